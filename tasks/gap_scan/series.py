"""Scan one series of numbers: what is missing, what occurs twice, what lies outside its range or between its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.gap_scan.ranges import Ranges, common, merged, outside, without
from tasks.gap_scan.tally import Numbers, repeated, tallied

MOST_LISTED = 100_000  # rows of doubled and stray numbers that are kept; the counts are exact beyond it


@dataclass(frozen=True)
class RowsFrom:
    """Rows one after the other, written down only where somebody wants to see them."""

    first: int

    def __getitem__(self, which: npt.NDArray[np.bool_] | Numbers) -> Numbers:
        return self.first + (np.flatnonzero(which) if which.dtype == np.bool_ else which)


@dataclass(frozen=True)
class Block:
    """Numbers with the rows they stand in."""

    rows: Numbers | RowsFrom
    numbers: Numbers


Blocks = Callable[[], Iterable[Block]]  # can be gone through again


@dataclass(frozen=True)
class Bounds:
    """Which numbers there should be; without a start or an end, from the least or to the greatest found."""

    start: int | None = None
    end: int | None = None
    step: int = 1


@dataclass(frozen=True)
class Found:
    """Numbers with their rows, the first of them listed; ordered by number, then row."""

    count: int = 0
    numbers: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class SeriesReport:
    """What one series is like. Ranges are of numbers of the series, `step` apart."""

    read: int
    distinct: int
    first: int | None
    last: int | None
    step: int
    missing: Ranges
    missing_count: int
    voided_used: Ranges
    doubled: int  # numbers that occur more than once
    surplus: int  # occurrences beyond the first
    doubled_cells: Found
    outside_range: Found
    off_step: Found

    @property
    def voided_used_count(self) -> int:
        return sum((last - first) // self.step + 1 for first, last in self.voided_used.pairs())


class _Places:
    """Numbers as places on the series: 0, 1, 2, ... from its origin, `step` apart."""

    def __init__(self, blocks: Blocks, bounds: Bounds) -> None:
        self._blocks = blocks
        self._bounds = bounds
        self.read = 0
        self.step = bounds.step
        self.origin = 0
        if bounds.step > 1:
            least = bounds.start if bounds.start is not None else _least(blocks)
            self.origin = least or 0

    def first(self) -> int | None:
        return None if self._bounds.start is None else (self._bounds.start - self.origin) // self.step

    def last(self) -> int | None:
        return None if self._bounds.end is None else (self._bounds.end - self.origin) // self.step

    def pieces(self) -> Iterator[Numbers]:
        for block in self.belonging():
            yield block.numbers

    def belonging(self) -> Iterator[Block]:
        """The blocks with places for numbers, those that are not of the series left out."""
        self.read = 0
        for block in self._blocks():
            self.read += len(block.numbers)
            keep = self._inside(block.numbers)
            if self.step > 1:
                on_step = (block.numbers - self.origin) % self.step == 0
                keep = on_step if keep is None else keep & on_step
            kept = block if keep is None else Block(block.rows[keep], block.numbers[keep])
            if not len(kept.numbers):
                continue
            if self.step > 1:
                kept = Block(kept.rows, (kept.numbers - self.origin) // self.step)
            yield kept

    def strays(self) -> tuple[Found, Found]:
        """The numbers outside the range, and those inside it between two steps."""
        beyond, between = _Listing(), _Listing()
        for block in self._blocks():
            inside = self._inside(block.numbers)
            if inside is not None:
                beyond.take(block, ~inside)
            if self.step > 1:
                off = (block.numbers - self.origin) % self.step != 0
                between.take(block, off if inside is None else off & inside)
        return beyond.found(), between.found()

    def _inside(self, numbers: Numbers) -> npt.NDArray[np.bool_] | None:
        """Which are within the range; None where there is no limit, which is usual and costs nothing."""
        keep = None
        if self._bounds.start is not None:
            keep = numbers >= self._bounds.start
        if self._bounds.end is not None:
            below = numbers <= self._bounds.end
            keep = below if keep is None else keep & below
        return keep

    def voids(self, voided: Ranges) -> Ranges:
        """Ranges of numbers as ranges of places; a range between two steps holds none."""
        if self.step == 1 or not len(voided):
            return voided
        firsts = -((self.origin - voided.firsts) // self.step)
        lasts = (voided.lasts - self.origin) // self.step
        return merged(zip(firsts.tolist(), lasts.tolist(), strict=True))

    def numbers(self, places: Ranges) -> Ranges:
        if self.step == 1:
            return places
        return Ranges(places.firsts * self.step + self.origin, places.lasts * self.step + self.origin)


class _Listing:
    """Counts all, keeps the first."""

    def __init__(self) -> None:
        self._count = 0
        self._kept = 0
        self._rows: list[Numbers] = []
        self._numbers: list[Numbers] = []

    def take(self, block: Block, which: npt.NDArray[np.bool_]) -> None:
        places = np.flatnonzero(which)
        self._count += len(places)
        places = places[: MOST_LISTED - self._kept]
        if len(places):
            self._kept += len(places)
            self._rows.append(block.rows[places])
            self._numbers.append(block.numbers[places])

    def found(self) -> Found:
        if not self._rows:
            return Found(self._count)
        rows = np.concatenate(self._rows)
        numbers = np.concatenate(self._numbers)
        order = np.lexsort((rows, numbers))
        return Found(self._count, tuple(numbers[order].tolist()), tuple(rows[order].tolist()))


def scan_series(blocks: Blocks, expected: int, bounds: Bounds, voided: Ranges) -> SeriesReport:
    """One look at all numbers; a second one only where some occur twice or do not belong."""
    places = _Places(blocks, bounds)
    tally = tallied(places.pieces, expected)
    present = tally.present()
    first, last = _ends(places, present)
    voids = places.voids(voided)
    missing = without(outside(present, first, last), voids)
    distinct = present.count
    strays = places.strays() if places.read > tally.total else (Found(), Found())
    doubled, cells = (0, Found()) if tally.total == distinct else _doubled(places, present, expected)
    is_empty = first > last
    return SeriesReport(
        read=places.read,
        distinct=distinct,
        first=None if is_empty else first * places.step + places.origin,
        last=None if is_empty else last * places.step + places.origin,
        step=places.step,
        missing=places.numbers(missing),
        missing_count=missing.count,
        voided_used=places.numbers(common(present, voids)),
        doubled=doubled,
        surplus=tally.total - distinct,
        doubled_cells=cells,
        outside_range=strays[0],
        off_step=strays[1],
    )


def _ends(places: _Places, present: Ranges) -> tuple[int, int]:
    """The range of places; of a series without numbers it is empty, unless both ends were given."""
    first, last = places.first(), places.last()
    if not len(present):
        return (0, -1) if first is None or last is None else (first, last)
    return (
        int(present.firsts[0]) if first is None else first,
        int(present.lasts[-1]) if last is None else last,
    )


def _doubled(places: _Places, present: Ranges, expected: int) -> tuple[int, Found]:
    twice = repeated(places.pieces, present, expected)
    listing = _Listing()
    for block in places.belonging():
        near = np.minimum(np.searchsorted(twice, block.numbers), len(twice) - 1)
        numbers = block.numbers * places.step + places.origin if places.step > 1 else block.numbers
        listing.take(Block(block.rows, numbers), twice[near] == block.numbers)
    return len(twice), listing.found()


def _least(blocks: Blocks) -> int | None:
    return min((int(block.numbers.min()) for block in blocks() if len(block.numbers)), default=None)
