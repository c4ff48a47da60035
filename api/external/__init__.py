"""What the outside API says, asked now."""
