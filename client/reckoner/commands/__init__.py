"""The sub-commands of `reckoner`, loaded when they are used."""
