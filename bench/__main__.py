"""Measurements beside peers, in one run, as ratios: `python -m bench NAME [options]`.

With `--write` the tables go into docs/performance.md as well.
"""

import importlib
import sys
from pathlib import Path

from bench.pages import measured


def main() -> int:
    commands = {
        path.stem: path.read_text().split('"""')[1].splitlines()[0]
        for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))
        if "\ndef main(arguments" in path.read_text()
    }
    if len(sys.argv) < 2 or sys.argv[1] in {"-h", "--help"}:
        print(__doc__)
        for name, purpose in commands.items():
            print(f"  {name:8}{purpose}")
        return 0
    if sys.argv[1] not in commands:
        print(f"no measurement {sys.argv[1]!r}; there are: {', '.join(commands)}", file=sys.stderr)
        return 2
    return measured(sys.argv[1], sys.argv[2:], importlib.import_module(f"bench.{sys.argv[1]}").main)


if __name__ == "__main__":
    sys.exit(main())
