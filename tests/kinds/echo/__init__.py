"""The smallest kind there can be."""
