"""What hostile clients try, against the real API process."""
