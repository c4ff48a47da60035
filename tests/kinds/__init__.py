"""Kinds that only tests know: each one a folder, and a name in RECKONER_EXTRA_KINDS."""
