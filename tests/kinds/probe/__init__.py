"""A kind that behaves as badly as a test asks."""
