"""Take a whole table along as CSV or Excel."""
