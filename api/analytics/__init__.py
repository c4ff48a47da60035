"""Questions about all orders."""
