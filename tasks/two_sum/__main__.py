"""One question of one workbook, without a server: `python -m tasks.two_sum FILE TARGET [COLUMN]`.

Prints the cells of the pair that is complete first. The exit status is 1 if nothing adds up, 2 if the question is
wrong.
"""

from __future__ import annotations

import sys
from decimal import Decimal, InvalidOperation

from core.errors import PlatformError
from tasks.two_sum.at_once import first_pair_of


def main(arguments: list[str]) -> int:
    if len(arguments) not in {2, 3}:
        print(__doc__, file=sys.stderr)
        return 2
    path, target, *column = arguments
    wanted = _number(target)
    if wanted is None:
        print(f"{target!r} is no number to look for", file=sys.stderr)
        return 2
    try:
        found = first_pair_of(path, wanted, *column)
    except (PlatformError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if found.cells is None:
        print(f"nothing adds up to {target} among {found.amounts:,} amounts")
        return 1
    print(f"{found.cells[0]} + {found.cells[1]} = {target} ({found.amounts:,} amounts)")
    return 0


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
