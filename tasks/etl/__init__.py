"""The kind `etl` and its four stages: a dirty transaction file in, a ledger and a daily report out."""
