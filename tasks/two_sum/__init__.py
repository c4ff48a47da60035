"""Which two numbers add up to a target."""
