"""Pages are run as they are written."""
