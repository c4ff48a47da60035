"""Throw out the amounts that cannot have a partner, in a few passes and without sorting.

Multiplied by an odd number, modulo 2^64, two amounts still add up to the target so multiplied, and their upper bits are
as good as random. Mark those bits of every amount; keep an amount only if its partner's are marked; then again with
another number. Nothing that has a partner is ever dropped; what is left is solved exactly. The native twin does the
same on both cores, several times as fast.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from core.kept_memory import keep_freed_blocks
from core.workbook.native_library import native_library
from tasks.two_sum import native_pairs
from tasks.two_sum.entries import Integers

PIECE = 1 << 16  # keeps the temporaries of a pass in the caches
KEPT_BYTES = 16 << 20  # larger than those temporaries, and than a million amounts of the next question
THREADS = 2  # numpy lets go of the interpreter while it looks places up, and that is most of the work
SMALLEST_TABLE, LARGEST_TABLE = 16, 28  # bits of a place in the table, which has a byte for each
FEW = 4096
# Odd, with bits as good as random; from pass to pass the places must not depend on each other.
FACTORS = tuple(
    np.int64(factor - (1 << 64))
    for factor in (
        0x9E3779B97F4A7C15,
        0xC2B2AE3D27D4EB4F,
        0xD6E8FEB86659FD93,
        0xA0761D6478BD642F,
        0xE7037ED1A0B428DB,
        0x8EBC6AF09C88C6E3,
    )
)
ROOM = 4  # places in the table for each amount: the fuller it is, the less it drops
WORTH = 0.8  # a pass that keeps more than this is the last: the amounts do have partners


def survivors_against(first: Integers, second: Integers | None, target: int) -> tuple[Integers, Integers]:
    """Places in both lists that may have a partner in the other; without a second list, in the same one."""
    keep_freed_blocks(KEPT_BYTES)
    library = native_library()
    if library is not None:
        return native_pairs.survivors(library, first, second, target)
    with ThreadPoolExecutor(THREADS) as pool:
        return _survivors(pool, first, second, target)


def _survivors(
    pool: ThreadPoolExecutor, first: Integers, second: Integers | None, target: int
) -> tuple[Integers, Integers]:
    left: Integers | None = None  # every place, until a pass has dropped some
    right: Integers | None = None
    x, y = first, first if second is None else second
    for factor in FACTORS:
        before = len(x) + len(y)
        bits = min(max((ROOM * max(len(x), len(y))).bit_length(), SMALLEST_TABLE), LARGEST_TABLE)
        hits = _hits(pool, x, y, target, (factor, bits))
        x, left = x[hits], hits if left is None else left[hits]
        if second is None:
            y, right = x, left
        else:
            hits = _hits(pool, y, x, target, (factor, bits))
            y, right = y[hits], hits if right is None else right[hits]
        if len(x) + len(y) <= FEW or len(x) + len(y) > WORTH * before:
            break
    assert left is not None  # noqa: S101 - there is a first pass
    assert right is not None  # noqa: S101
    return left, right


def _hits(
    pool: ThreadPoolExecutor, values: Integers, others: Integers, target: int, mixing: tuple[np.int64, int]
) -> Integers:
    """The values whose complement's place is marked by some other value."""
    table = np.zeros(1 << mixing[1], np.bool_)

    def mark(start: int) -> None:
        table[_place(others[start : start + PIECE], *mixing)] = True

    def find(start: int) -> Integers:
        hits: Integers = np.flatnonzero(table[_place(target - values[start : start + PIECE], *mixing)])
        return hits + start

    for _ in pool.map(mark, range(0, len(others), PIECE)):
        pass
    found = list(pool.map(find, range(0, len(values), PIECE)))
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _place(values: Integers, factor: np.int64, bits: int) -> Integers:
    return ((values * factor).view(np.uint64) >> np.uint64(64 - bits)).view(np.int64)
