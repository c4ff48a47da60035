"""Orders, one at a time."""
