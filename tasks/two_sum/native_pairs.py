"""Sift amounts and find the first pair natively; see core/workbook/native/pairs.h.

Amounts are given by their address: those of a question outside the platform lie in no array.
"""

from __future__ import annotations

import ctypes

from core.light_types import TYPE_CHECKING
from core.workbook.native_library import NativeLibrary, native_library

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tasks.two_sum.entries import Integers

WORD = 64
MOST_SHIFTED = 18  # decimals of a 64-bit integer


def first_pair(library: NativeLibrary, values: int, count: int, target: int) -> tuple[int, int] | None:
    """Of `count` 64-bit amounts at that address: the pair that is complete first, with the last earlier partner."""
    keep = (ctypes.c_uint64 * (-(-count // WORD)))()
    kept = (ctypes.c_int64 * 2)()
    if not library.sift(values, count, keep, None, 0, None, target, kept):
        raise MemoryError("the sieve found no memory")
    places = (ctypes.c_int64 * kept[0])()
    library.places(keep, count, places)
    return first_of(library, values, ctypes.addressof(places), kept[0], target)


def first_of(library: NativeLibrary, values: int, places: int, count: int, target: int) -> tuple[int, int] | None:
    """The same among the amounts at those places only."""
    pair = (ctypes.c_int64 * 2)()
    said = library.first(values, places, count, target, pair)
    if said < 0:
        raise MemoryError("the pairs found no memory")
    return (pair[0], pair[1]) if said else None


def survivors(
    library: NativeLibrary, first: Integers, second: Integers | None, target: int
) -> tuple[Integers, Integers]:
    """Places of the amounts of both lists, or of one, that may have a partner."""
    import numpy as np  # noqa: PLC0415 - who has arrays has loaded it

    sides = [np.ascontiguousarray(side) for side in (first, second) if side is not None]
    keeps = [np.empty(-(-len(side) // WORD), np.uint64) for side in sides]
    given = [(side.ctypes.data, len(side), keep.ctypes.data) for side, keep in zip(sides, keeps, strict=True)]
    kept = (ctypes.c_int64 * 2)()
    if not library.sift(*given[0], *(given[1] if second is not None else (None, 0, None)), target, kept):
        raise MemoryError("the sieve found no memory")
    found = []
    for side, keep, count in zip(sides, keeps, kept, strict=False):
        places = np.empty(count, np.int64)
        library.places(keep.ctypes.data, len(side), places.ctypes.data)
        found.append(places)
    return found[0], found[-1]


def scaled(mantissas: Integers, exponents: npt.NDArray[np.int8], scale: int) -> Integers | None:
    """Whole numbers of 10^-scale; None without the native part, or if one of them may not fit."""
    import numpy as np  # noqa: PLC0415 - who has arrays has loaded it

    from tasks.two_sum.entries import SAFE  # noqa: PLC0415 - it loads numpy

    library = native_library()
    if library is None or not len(mantissas):
        return None
    most, least = int(exponents.max()) + scale, int(exponents.min()) + scale
    if most > MOST_SHIFTED or least < 0:
        return None
    if most == 0 and max(int(mantissas.max()), -int(mantissas.min())) < SAFE:
        return mantissas  # as they are: a copy would touch as much memory again
    given, shifts = np.ascontiguousarray(mantissas), np.ascontiguousarray(exponents)
    amounts = np.empty(len(given), np.int64)
    if not library.scale(given.ctypes.data, shifts.ctypes.data, len(given), scale, amounts.ctypes.data):
        return None
    return amounts
