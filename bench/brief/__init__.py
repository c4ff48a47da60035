"""A kind that is forgotten within seconds, so that a soak sees the purge keep up."""
