"""Throw out the amounts that cannot have a partner, in a few passes and without sorting.

Mark the remainder of every amount; keep an amount only if the remainder its partner would have is marked. Repeat
with other moduli. Nothing that has a partner is ever dropped; what is left is solved exactly.
"""

import numpy as np

from tasks.two_sum.entries import Integers

PIECE = 1 << 17  # keeps the temporaries of a pass in the cache
SMALLEST_TABLE, LARGEST_TABLE = 1 << 16, 1 << 24
FEW = 4096
MOST_PASSES = 6
# The largest primes below powers of two: from pass to pass the remainders must not depend on each other.
PRIMES = (65_521, 131_071, 262_139, 524_287, 1_048_573, 2_097_143, 4_194_301, 8_388_593, 16_777_213)
ROOM = 4  # places in the table for each amount: the fuller it is, the less it drops
WORTH = 0.8  # a pass that keeps more than this is the last: the amounts do have partners


def survivors(values: Integers, target: int) -> Integers:
    """Places of amounts that may have a partner among `values`, in order."""
    places, _ = survivors_against(values, values, target, same=True)
    return places


def survivors_against(
    first: Integers, second: Integers, target: int, *, same: bool = False
) -> tuple[Integers, Integers]:
    """Places in both lists that may have a partner in the other."""
    left, right = np.arange(len(first)), np.arange(len(second))
    x, y = first, second
    for number in range(MOST_PASSES):
        before = len(x) + len(y)
        modulus = _modulus(max(len(x), len(y)), number)
        x, left = _sift(x, left, y, target, modulus)
        y, right = (x, left) if same else _sift(y, right, x, target, modulus)
        if len(x) + len(y) <= FEW or len(x) + len(y) > WORTH * before:
            break
    return left, right


def _modulus(amounts: int, number: int) -> int:
    """A power of two at first, because its remainder is the quickest; then primes, each another one."""
    if number == 0:
        wanted = min(max(ROOM * amounts, SMALLEST_TABLE), LARGEST_TABLE)
        return 1 << (wanted.bit_length() - 1)
    fitting = [prime for prime in PRIMES if prime >= ROOM * amounts] or [PRIMES[-1]]
    return fitting[min(number % 2, len(fitting) - 1)]


def _sift(values: Integers, places: Integers, others: Integers, target: int, modulus: int) -> tuple[Integers, Integers]:
    """The values whose complement's remainder some other value has, and where they stood."""
    table = np.zeros(modulus, np.bool_)
    for start in range(0, len(others), PIECE):
        table[_remainder(others[start : start + PIECE], modulus)] = True
    kept_values, kept_places = [], []
    for start in range(0, len(values), PIECE):
        piece = values[start : start + PIECE]
        hits = np.flatnonzero(table[_remainder(target - piece, modulus)])
        kept_values.append(piece[hits])
        kept_places.append(places[start : start + PIECE][hits])
    if not kept_values:
        return values, np.empty(0, np.int64)
    return np.concatenate(kept_values), np.concatenate(kept_places)


def _remainder(values: Integers, modulus: int) -> Integers:
    if modulus & (modulus - 1) == 0:
        return values & np.int64(modulus - 1)
    return values % np.int64(modulus)
