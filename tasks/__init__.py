"""Kinds of work, and the plumbing every job runs through."""
