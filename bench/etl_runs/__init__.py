"""Whole processes that the ETL bench measures: ours and its peers."""

PEAK = "peak_mb"  # as a run of ours says it
