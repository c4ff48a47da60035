"""Which numbers of a series are missing, doubled, or not of the series at all."""
