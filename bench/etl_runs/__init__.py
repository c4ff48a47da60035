"""Whole processes that the ETL bench measures: ours and its peers."""
