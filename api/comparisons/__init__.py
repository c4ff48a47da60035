"""Two runs of one question, side by side."""
