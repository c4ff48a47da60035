"""Ranges of whole numbers as two sorted arrays, ends included: what lies between, and what is left without others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ranges:
    """Disjoint and ascending."""

    firsts: Numbers
    lasts: Numbers

    def __len__(self) -> int:
        return len(self.firsts)

    @property
    def count(self) -> int:
        """How many numbers they hold."""
        return int((self.lasts - self.firsts + 1).sum())

    def pairs(self, most: int | None = None) -> list[tuple[int, int]]:
        return list(zip(self.firsts[:most].tolist(), self.lasts[:most].tolist(), strict=True))


def merged(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Ranges in any order, overlapping or not, as disjoint ones; those that end before they begin are dropped."""
    ordered = sorted(pair for pair in pairs if pair[0] <= pair[1])
    found: list[list[int]] = []
    for first, last in ordered:
        if found and first <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    table = np.array(found, np.int64).reshape(-1, 2)
    return Ranges(table[:, 0].copy(), table[:, 1].copy())


def outside(ranges: Ranges, first: int, last: int) -> Ranges:
    """What of `first` to `last` the ranges leave free."""
    if first > last:
        return Ranges(np.empty(0, np.int64), np.empty(0, np.int64))
    firsts = np.concatenate(([first], ranges.lasts + 1))
    lasts = np.concatenate((ranges.firsts - 1, [last]))
    firsts, lasts = np.maximum(firsts, first), np.minimum(lasts, last)
    keep = firsts <= lasts
    return Ranges(firsts[keep], lasts[keep])


def common(one: Ranges, other: Ranges) -> Ranges:
    """What both hold: every pair of ranges that overlap, found by binary search."""
    begin = np.searchsorted(other.lasts, one.firsts)
    end = np.searchsorted(other.firsts, one.lasts, side="right")
    many = np.maximum(end - begin, 0)
    left = np.repeat(np.arange(len(one)), many)
    # Within each of ours the partners are consecutive: the place in the whole, less where ours began.
    right = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many) + np.repeat(begin, many)
    return Ranges(np.maximum(one.firsts[left], other.firsts[right]), np.minimum(one.lasts[left], other.lasts[right]))


def without(ranges: Ranges, others: Ranges) -> Ranges:
    """What is left of the ranges when others are taken out."""
    if not len(ranges) or not len(others):
        return ranges
    free = outside(others, int(ranges.firsts[0]), int(ranges.lasts[-1]))
    return common(ranges, free)
