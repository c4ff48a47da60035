"""Schedules: what runs when, and what became of it."""
