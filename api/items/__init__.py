"""Items: notes of people, and what the sync brought in."""
