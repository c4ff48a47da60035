"""What is wrong with this platform, and the way out."""
