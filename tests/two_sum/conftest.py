"""Timing never decides a test: examples here have no deadline of their own."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None, max_examples=150)
settings.load_profile("untimed")
