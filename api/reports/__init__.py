"""The ledger as reports: by day, by company, charge by charge."""
