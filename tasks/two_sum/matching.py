"""Find what adds up, exactly: every question becomes ranges in one sorted list.

For each amount the partners are a range of the other list sorted by group, value and, for exact questions, day.
Counts need no pair; pairs are given out in pieces of bounded size.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from core.workbook.native_library import native_library
from tasks.two_sum import native_pairs
from tasks.two_sum.entries import SAFE, Amounts, Entries, Integers, Marks, Question, is_int64
from tasks.two_sum.sieve import survivors_against

EXPANDED = 1 << 20  # candidate pairs looked at together
SIEVE_FROM = 20_000
Watch = Callable[[], None]  # called between pieces of work; it may raise to stop


def nobody() -> None:
    """For callers that do not watch."""


@dataclass(frozen=True)
class Ranges:
    """For each amount of the first list: its partners are `order[low:high]`, still to be checked if `inexact`."""

    order: Integers
    low: Integers
    high: Integers
    inexact: bool


class Matcher:
    """One question about one list, or about two lists against each other."""

    def __init__(
        self, question: Question, first: Entries, second: Entries | None = None, watch: Watch = nobody
    ) -> None:
        self._watch = watch
        self._same = second is None
        self._all_first, self._all_second = first, first if second is None else second
        self.question = question
        self._first_places, self._second_places = _sifted(question, first, second)
        self._first = first.take(self._first_places)
        self._second = self._first if second is None else second.take(self._second_places)
        self._found: Ranges | None = None

    def partners(self) -> tuple[Integers, Integers]:
        """How many partners each entry has, for the first list and for the second."""
        ranges = self._ranges()
        if not ranges.inexact:
            counts = self._counts(ranges)
            if self._same:
                return self._spread(counts), self._spread(counts)
            other = _ranges(self.question, self._second, self._first)
            return self._spread(counts), self._spread(other.high - other.low, second=True)
        first, second = np.zeros(len(self._first), np.int64), np.zeros(len(self._second), np.int64)
        for left, right in self._candidates(ranges, everyone=True):
            first += np.bincount(left, minlength=len(first))
            second += np.bincount(right, minlength=len(second))
        return self._spread(first), self._spread(second, second=True)

    def count(self) -> int:
        """The exact number of pairs, without making them."""
        ranges = self._ranges()
        if not ranges.inexact:
            total = int(self._counts(ranges).sum())
            return total // 2 if self._same else total
        return sum(len(left) for left, _ in self._candidates(ranges))

    def pairs(self) -> Iterator[tuple[Integers, Integers]]:
        """Every pair in pieces: by its later entry, then by its earlier one; of two lists by first, then second."""
        for left, right in self._candidates(self._ranges()):
            yield self._first_places[left], self._second_places[right]

    def first(self) -> tuple[int, int] | None:
        """The pair that is complete first, with the last earlier partner; of two lists the first of each."""
        library = native_library()
        if library is not None and self._is_plain():
            # No sorting: a scan that ends at the pair, however many there are behind it.
            values, places = np.ascontiguousarray(self._all_first.values), self._first_places
            at = values.ctypes.data, places.ctypes.data
            return native_pairs.first_of(library, *at, len(places), self.question.target)
        with_partner = self._with_partner()
        if not len(with_partner):
            return None
        if not self._same:
            return self._first_of_two(int(with_partner[0]))
        # Every partner of one of these is one of these too, so the rest cannot matter.
        some = self._all_first.take(with_partner)
        last = _shortest_prefix(self.question, some, self._watch)
        alone = Matcher(self.question, some.take(np.arange(last)), some.take(np.array([last])), self._watch)
        earlier = max(int(left.max()) for left, _ in alone.pairs() if len(left))
        return int(with_partner[earlier]), int(with_partner[last])

    def _with_partner(self) -> Integers:
        """The places in the first list of what has a partner."""
        ranges = self._ranges()
        if ranges.inexact:
            return np.flatnonzero(self.partners()[0])
        return self._first_places[np.flatnonzero(self._counts(ranges))]

    def _is_plain(self) -> bool:
        """One list in which nothing but the exact sum decides."""
        alone = self._same and self._all_first.groups is None and self.question.max_days is None
        return alone and _is_exact(self.question) and is_int64(self._all_first.values)

    def _first_of_two(self, place: int) -> tuple[int, int]:
        alone = Matcher(self.question, self._all_first.take(np.array([place])), self._all_second, self._watch)
        return place, min(int(right.min()) for _, right in alone.pairs() if len(right))

    def exists(self) -> bool:
        """Whether there is any pair."""
        ranges = self._ranges()
        if not ranges.inexact:
            return bool(np.any(self._counts(ranges) > 0))
        return any(len(left) for left, _ in self._candidates(ranges))

    def _spread(self, counts: Integers, *, second: bool = False) -> Integers:
        everyone = self._all_second if second else self._all_first
        spread = np.zeros(len(everyone), np.int64)
        spread[self._second_places if second else self._first_places] = counts
        return spread

    def _ranges(self) -> Ranges:
        if self._found is None:
            self._watch()
            self._found = _ranges(self.question, self._first, self._second)
        return self._found

    def _counts(self, ranges: Ranges) -> Integers:
        """Partners of each entry of the first list, not counting an entry that stands in its own range."""
        spans: Integers = np.maximum(ranges.high - ranges.low, 0)
        if self._same:
            place = np.empty(len(ranges.order), np.int64)
            place[ranges.order] = np.arange(len(ranges.order))
            spans -= (ranges.low <= place) & (place < ranges.high)
        return spans

    def _candidates(self, ranges: Ranges, *, everyone: bool = False) -> Iterator[tuple[Integers, Integers]]:
        """Pairs in order, in pieces. In one list the earlier entry comes first; `everyone` gives both directions."""
        spans = np.maximum(ranges.high - ranges.low, 0)
        ends = np.cumsum(spans)
        start = 0
        while start < len(spans):
            self._watch()
            before = int(ends[start - 1]) if start else 0
            stop = max(int(np.searchsorted(ends, before + EXPANDED, side="right")), start + 1)
            asking = np.repeat(np.arange(start, stop), spans[start:stop])
            offsets = np.arange(len(asking)) - np.repeat(
                ends[start:stop] - spans[start:stop] - before, spans[start:stop]
            )
            answering = ranges.order[ranges.low[asking] + offsets]
            start = stop
            yield self._checked(asking, answering, ranges, everyone=everyone)

    def _checked(
        self, asking: Integers, answering: Integers, ranges: Ranges, *, everyone: bool
    ) -> tuple[Integers, Integers]:
        if self._same:
            keep = asking != answering if everyone else answering < asking
            asking, answering = asking[keep], answering[keep]
        if ranges.inexact:
            left, right = (
                (np.minimum(asking, answering), np.maximum(asking, answering)) if self._same else (asking, answering)
            )
            keep = _match(self.question, self._first, left, self._second, right)
            asking, answering = asking[keep], answering[keep]
        order = np.lexsort((answering, asking))
        asking, answering = asking[order], answering[order]
        return (answering, asking) if self._same and not everyone else (asking, answering)


def _shortest_prefix(question: Question, entries: Entries, watch: Watch) -> int:
    """The place of the entry that completes the first pair: more entries never undo a pair, so halve."""

    def holds(length: int) -> bool:
        return Matcher(question, entries.take(np.arange(length)), watch=watch).exists()

    low, high = 0, min(256, len(entries))
    while high < len(entries) and not holds(high):
        low, high = high, min(high * 2, len(entries))
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high - 1


def _is_exact(question: Question) -> bool:
    """Whether amounts of 64 bits must make the target to the last digit."""
    return question.tolerance == 0 and question.share is None and abs(question.target) < 2 * SAFE


def _sifted(question: Question, first: Entries, second: Entries | None) -> tuple[Integers, Integers]:
    """Where the entries stand that can matter: the sieve serves exact questions about many small integers."""
    values, others = first.values, (first if second is None else second).values
    is_many = len(values) + len(others) >= SIEVE_FROM
    if is_many and _is_exact(question) and is_int64(values) and is_int64(others):
        return survivors_against(values, None if second is None else others, question.target)
    places = np.arange(len(values))
    return places, places if second is None else np.arange(len(others))


def bounds(question: Question, values: Amounts) -> tuple[Amounts, Amounts]:
    """The least and the greatest partner of each amount."""
    part, whole = question.share or (0, 1)
    largest = max(abs(int(values.max())), abs(int(values.min()))) if len(values) else 0
    if (largest + 1) * whole + abs(question.target) + question.tolerance >= 4 * SAFE:
        values = values.astype(np.object_)
    complement = question.target - values
    if question.share is None or question.target:
        allowed = question.tolerance if question.share is None else abs(question.target) * part // whole
        return complement - allowed, complement + allowed
    # |a + b| <= share of the larger: b lies between -a (1 - share) and -a / (1 - share), rounded inwards.
    nearer = -(values * (whole - part) // whole), -values * (whole - part) // whole
    further = -(values * whole // (whole - part)), -values * whole // (whole - part)
    positive = values >= 0
    return np.where(positive, further[0], nearer[0]), np.where(positive, nearer[1], further[1])


def _ranges(question: Question, first: Entries, second: Entries) -> Ranges:
    low_values, high_values = bounds(question, first.values)
    distinct, ranks = np.unique(second.values, return_inverse=True)
    low, high = np.searchsorted(distinct, low_values), np.searchsorted(distinct, high_values, side="right")
    keys, width = ranks.astype(np.int64), len(distinct) + 1
    if second.groups is not None and first.groups is not None:
        keys, low, high = keys + second.groups * width, low + first.groups * width, high + first.groups * width
        width *= int(max(second.groups.max(initial=0), first.groups.max(initial=0))) + 1
    inexact = question.max_days is not None
    if question.max_days is not None and first.days is not None and second.days is not None and len(second):
        oldest, span = int(second.days.min()), int(np.ptp(second.days)) + 2
        if question.tolerance == 0 and question.share is None and width * span < 4 * SAFE:
            inexact = question.date_order != "any"
            keys = keys * span + (second.days - oldest)
            early = np.clip(first.days - question.max_days - oldest, 0, span - 1)
            late = np.clip(first.days + question.max_days - oldest + 1, 0, span - 1)
            low, high = low * span + np.where(low < high, early, 0), low * span + np.where(low < high, late, 0)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    return Ranges(order, np.searchsorted(ordered, low), np.searchsorted(ordered, high), inexact)


def _match(question: Question, first: Entries, left: Integers, second: Entries, right: Integers) -> Marks:
    """The date rule, which ranges alone cannot say."""
    if question.max_days is None or first.days is None or second.days is None:
        return np.ones(len(left), np.bool_)
    gap: Integers = second.days[right] - first.days[left]
    keep = np.abs(gap) <= question.max_days
    if question.date_order == "forward":
        keep &= gap >= 0
    elif question.date_order == "backward":
        keep &= gap <= 0
    return keep


def least_deviation(
    question: Question, first: Entries, second: Entries | None = None, watch: Watch = nobody
) -> int | None:
    """How near to the target any pair comes; None where no two entries may be partners at all."""
    if question.max_days is None:
        return _nearest(question, first, second)
    sides = [side.values for side in (first, second) if side is not None and len(side)]
    low, high = -1, abs(question.target) + 2 * max((int(np.abs(side).max()) for side in sides), default=0)
    if not Matcher(replace(question, tolerance=high), first, second, watch).exists():
        return None
    while low + 1 < high:  # With dates nearness in value does not order the partners: halve the tolerance.
        middle = (low + high) // 2
        found = Matcher(replace(question, tolerance=middle), first, second, watch).exists()
        low, high = (low, middle) if found else (middle, high)
    return high


def _nearest(question: Question, first: Entries, second: Entries | None) -> int | None:
    """The partners nearest to the complement stand beside its place in the sorted list."""
    others = first if second is None else second
    ranges = _ranges(question, first, others)
    wanted = bounds(question, first.values)[0]
    least: int | None = None
    for beside in (-2, -1, 0, 1):
        place = ranges.low + beside
        asking = np.flatnonzero((place >= 0) & (place < len(others)))
        answering = ranges.order[place[asking]]
        keep = answering != asking if second is None else np.ones(len(asking), np.bool_)
        if first.groups is not None and others.groups is not None:
            keep &= first.groups[asking] == others.groups[answering]
        asking, answering = asking[keep], answering[keep]
        if len(asking):
            distance = int(np.abs(others.values[answering] - wanted[asking]).min())
            least = distance if least is None else min(least, distance)
    return least
