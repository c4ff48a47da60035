"""One whole run of ours: `python -m bench.scan_runs.ours FILE COLUMN TARGET` reads a column and finds the pair."""

import sys
from decimal import Decimal

from tasks.two_sum.at_once import first_pair_of


def main(path: str, column: str, target: str) -> None:
    found = first_pair_of(path, Decimal(target), column)
    print(found.amounts, found.places)


if __name__ == "__main__":
    main(*sys.argv[1:])
