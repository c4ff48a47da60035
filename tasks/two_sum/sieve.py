"""Throw out the amounts that cannot have a partner, in a few passes and without sorting.

Mark the remainder of every amount; keep an amount only if the remainder its partner would have is marked. Repeat
with other moduli. Nothing that has a partner is ever dropped; what is left is solved exactly.
"""

import numpy as np

from tasks.two_sum.entries import Integers

PIECE = 1 << 17  # keeps the temporaries of a pass in the cache
SMALLEST_TABLE, LARGEST_TABLE = 1 << 16, 1 << 25
FEW = 4096
PRIMES = (2_097_143, 524_287, 4_194_301)
WORTH = 0.9  # another pass must be expected to drop something


def survivors(values: Integers, target: int) -> Integers:
    """Places of amounts that may have a partner among `values`, in order."""
    places, _ = survivors_against(values, values, target, same=True)
    return places


def survivors_against(
    first: Integers, second: Integers, target: int, *, same: bool = False
) -> tuple[Integers, Integers]:
    """Places in both lists that may have a partner in the other."""
    left = right = None
    x, y = first, second
    bits = min(max(8 * max(len(x), len(y)), SMALLEST_TABLE), LARGEST_TABLE).bit_length() - 1
    for modulus in (1 << bits, *PRIMES):
        before = len(x) + len(y)
        x, left = _sift(x, left, y, target, modulus)
        y, right = (x, left) if same else _sift(y, right, x, target, modulus)
        if len(x) + len(y) <= FEW or len(x) + len(y) > WORTH * before:
            break
    return _all(first) if left is None else left, _all(second) if right is None else right


def _all(values: Integers) -> Integers:
    return np.arange(len(values))


def _sift(
    values: Integers, places: Integers | None, others: Integers, target: int, modulus: int
) -> tuple[Integers, Integers]:
    """The values whose complement's remainder some other value has, and where they stood."""
    table = np.zeros(modulus, np.bool_)
    for start in range(0, len(others), PIECE):
        table[_remainder(others[start : start + PIECE], modulus)] = True
    kept_values, kept_places = [], []
    for start in range(0, len(values), PIECE):
        piece = values[start : start + PIECE]
        hits = np.flatnonzero(table[_remainder(target - piece, modulus)])
        kept_values.append(piece[hits])
        kept_places.append(hits + start if places is None else places[start : start + PIECE][hits])
    if not kept_values:
        return values, np.empty(0, np.int64)
    return np.concatenate(kept_values), np.concatenate(kept_places)


def _remainder(values: Integers, modulus: int) -> Integers:
    if modulus & (modulus - 1) == 0:
        return values & np.int64(modulus - 1)
    return values % np.int64(modulus)
