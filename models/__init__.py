"""Tables and their queries, one noun a module."""
