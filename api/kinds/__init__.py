"""Kinds over HTTP."""
