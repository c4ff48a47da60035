"""A kind whose params are as large as somebody wants."""
