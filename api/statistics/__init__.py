"""Figures about jobs over time."""
