"""The running sum against bare INCRBY behind the same web server: `python -m bench.sums`."""
