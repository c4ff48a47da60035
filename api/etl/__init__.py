"""Runs of the ETL, their rejects, and how two of them differ."""
