"""The two-sum route older clients call."""
