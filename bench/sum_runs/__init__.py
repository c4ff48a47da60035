"""The peers of the running sum, and the load on all of them."""
