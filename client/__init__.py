"""The Python client and the `reckoner` command; imports nothing of the server."""
