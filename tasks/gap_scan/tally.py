"""Note which numbers occur, as a byte for each of the range or, where that is mostly empty, as a sorted list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tasks.gap_scan.ranges import Ranges

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

PIECE = 1 << 18  # numbers handled at once: their temporary arrays stay in the processor's cache
LARGEST_MAP = 1 << 29
SPARSE_BEYOND = 256  # bytes of the map for each number; then sorting them is cheaper than looking at the map


class TooWideError(Exception):
    """The numbers lie too far apart for a map; never leaves this package."""


class Tally(Protocol):
    """Takes the numbers piece by piece; then says which occurred, and which more than once."""

    total: int

    def add(self, numbers: Numbers) -> None: ...

    def present(self) -> Ranges:
        """The runs of numbers that occur."""


class MapTally:
    """One byte for each number from the least to the greatest; grows to both sides."""

    def __init__(self, most_bytes: int = LARGEST_MAP) -> None:
        self._most = most_bytes
        self._base = 0
        self._map: Flags = np.zeros(0, np.bool_)
        self.total = 0

    def add(self, numbers: Numbers) -> None:
        for at in range(0, len(numbers), PIECE):
            piece = numbers[at : at + PIECE]
            self._cover(int(piece.min()), int(piece.max()))
            self._map[piece - self._base] = True
            self.total += len(piece)

    def _cover(self, low: int, high: int) -> None:
        end = self._base + len(self._map)
        if len(self._map) and self._base <= low and high < end:
            return
        if len(self._map):
            low, high = min(low, self._base), max(high, end - 1)
        if high - low >= self._most:
            raise TooWideError
        # Half as much again on the side that grew, so that a long sorted column is copied a few times only.
        spare = min((high - low + 1) // 2, self._most - (high - low + 1))
        base = low - spare if len(self._map) and low < self._base else low
        wider = np.zeros((high if base < low else high + spare) - base + 1, np.bool_)
        wider[self._base - base : self._base - base + len(self._map)] = self._map
        self._base, self._map = base, wider

    def present(self) -> Ranges:
        edges = np.flatnonzero(self._map[1:] != self._map[:-1]) + 1
        if len(self._map) and self._map[0]:
            edges = np.concatenate(([0], edges))
        if len(self._map) and self._map[-1]:
            edges = np.concatenate((edges, [len(self._map)]))
        edges = edges.astype(np.int64) + self._base
        return Ranges(edges[::2], edges[1::2] - 1)


class ListTally:
    """All numbers, sorted in the end: for few numbers far apart."""

    def __init__(self) -> None:
        self._pieces: list[Numbers] = []
        self.total = 0

    def add(self, numbers: Numbers) -> None:
        self._pieces.append(numbers)
        self.total += len(numbers)

    def present(self) -> Ranges:
        distinct = np.unique(np.concatenate(self._pieces)) if self._pieces else np.empty(0, np.int64)
        if not len(distinct):
            return Ranges(distinct, distinct)
        breaks = np.flatnonzero(np.diff(distinct) != 1)
        firsts = distinct[np.concatenate(([0], breaks + 1))]
        return Ranges(firsts, distinct[np.concatenate((breaks, [len(distinct) - 1]))])


Pieces = Callable[[], Iterable[Numbers]]  # can be gone through again


def tallied(pieces: Pieces, expected: int) -> Tally:
    """A full tally of the kind that suits so many numbers, found out by trying."""
    tally: Tally = MapTally(min(LARGEST_MAP, SPARSE_BEYOND * expected + (1 << 16)))
    try:
        for piece in pieces():
            tally.add(piece)
    except TooWideError:
        tally = ListTally()
        for piece in pieces():
            tally.add(piece)
    return tally


def repeated(pieces: Pieces, present: Ranges, expected: int) -> Numbers:
    """The numbers that occur more than once, in order: a second look, for a column where there are any."""
    low, high = (int(present.firsts[0]), int(present.lasts[-1])) if len(present.firsts) else (0, -1)
    if high - low >= min(LARGEST_MAP, SPARSE_BEYOND * expected + (1 << 16)):
        numbers = np.sort(np.concatenate(list(pieces())))
        return np.unique(numbers[1:][numbers[1:] == numbers[:-1]])
    seen, twice = np.zeros(high - low + 1, np.bool_), np.zeros(high - low + 1, np.bool_)
    for numbers in pieces():
        for at in range(0, len(numbers), PIECE):
            places = numbers[at : at + PIECE] - low
            twice[places[seen[places]]] = True
            seen[places] = True
            ordered = np.sort(places)
            twice[ordered[1:][ordered[1:] == ordered[:-1]]] = True
    return np.flatnonzero(twice).astype(np.int64) + low
