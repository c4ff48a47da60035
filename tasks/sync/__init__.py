"""Bring the posts of the outside API in as items."""
