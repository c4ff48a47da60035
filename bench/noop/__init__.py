"""A kind that does nothing, so that only the platform is measured."""
