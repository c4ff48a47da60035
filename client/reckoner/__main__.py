"""`python -m reckoner`: the same as the `reckoner` command."""

from .cli import main

if __name__ == "__main__":
    main()
