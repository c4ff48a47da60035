"""Find a pair of numbers that add up to a target, in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal


def first_pair(numbers: Iterable[int | Decimal], target: int | Decimal) -> tuple[int, int] | None:
    """The first position that completes a pair, and the last earlier position of its complement; None if there is none.

    Exact: integers and decimals never meet a float. Memory grows with distinct values, not with rows.
    """
    last_seen: dict[int | Decimal, int] = {}
    for position, number in enumerate(numbers):
        partner = last_seen.get(target - number)
        if partner is not None:
            return partner, position
        last_seen[number] = position
    return None
