"""The API over HTTP, with a real worker behind it."""
