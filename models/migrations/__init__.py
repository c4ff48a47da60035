"""How the schema got where it is, one step a file, both ways."""
