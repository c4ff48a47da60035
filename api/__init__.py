"""HTTP in, HTTP out: no business rules, no task bodies."""
