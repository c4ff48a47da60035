"""Run a sync and wait for it."""
