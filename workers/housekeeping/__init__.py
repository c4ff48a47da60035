"""Duties that every worker offers to do, and one at a time does: one duty a file."""
