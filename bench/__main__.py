"""Measurements beside peers, in one run, as ratios: `python -m bench NAME [options]`."""

import importlib
import pkgutil
import sys

import bench


def main() -> int:
    names = sorted(found.name for found in pkgutil.iter_modules(bench.__path__) if _is_command(found.name))
    if len(sys.argv) < 2 or sys.argv[1] in {"-h", "--help"}:
        print(__doc__)
        for name in names:
            print(f"  {name:8}{(importlib.import_module(f'bench.{name}').__doc__ or '').splitlines()[0]}")
        return 0
    if sys.argv[1] not in names:
        print(f"no measurement {sys.argv[1]!r}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"bench.{sys.argv[1]}")
    return int(module.main(sys.argv[2:]) or 0)


def _is_command(name: str) -> bool:
    return not name.startswith("_") and hasattr(importlib.import_module(f"bench.{name}"), "main")


if __name__ == "__main__":
    sys.exit(main())
