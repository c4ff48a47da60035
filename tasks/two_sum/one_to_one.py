"""Use each entry once: the same pairs every time, whatever the order of the machine's work.

In one list the entries are taken from first to last; each takes, of the earlier ones still free, the nearest to the
target, then the nearest in days, then the last. Of two lists each entry of the first takes the nearest of the second,
then the nearest in days, then the first. Greedy: it says what a clerk would do by hand, not the most pairs.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator

import numpy as np

from tasks.two_sum.entries import Entries, Question
from tasks.two_sum.matching import Matcher, Watch, bounds, nobody

WATCH_EVERY = 4096
Free = list[tuple[int, int]]


def pairs_once(
    question: Question, first: Entries, second: Entries | None = None, watch: Watch = nobody
) -> Iterator[tuple[int, int]]:
    """Pairs of places, in the order in which they are taken."""
    counts = Matcher(question, first, second, watch).partners()
    left = np.flatnonzero(counts[0])
    right = left if second is None else np.flatnonzero(counts[1])
    asking = first.take(left)
    low, high = (each.tolist() for each in bounds(question, asking.values))
    values = [int(value) for value in asking.values.tolist()]
    groups = _or_zeros(asking.groups, len(left))
    days = _or_zeros(asking.days, len(left))
    free: dict[int, Free] = {}
    answering, answer_days = (asking, days)
    if second is not None:
        answering = second.take(right)
        answer_days = _or_zeros(answering.days, len(right))
        for place, group in enumerate(_or_zeros(answering.groups, len(right))):
            free.setdefault(group, []).append((int(answering.values[place]), place))
        for some in free.values():
            some.sort()
    for place, value in enumerate(values):
        if place % WATCH_EVERY == 0:
            watch()
        some = free.setdefault(groups[place], [])
        taken = _nearest(
            some, low[place], high[place], _rank(question, place, value, days, answer_days, same=second is None)
        )
        if taken is not None:
            partner = some.pop(taken)[1]
            yield (int(left[partner]), int(left[place])) if second is None else (int(left[place]), int(right[partner]))
        elif second is None:
            insort(some, (value, place))


def _or_zeros(array: "np.ndarray | None", length: int) -> list[int]:
    return [0] * length if array is None else [int(each) for each in array.tolist()]


Rank = tuple[int, int, int]


def _rank(
    question: Question, place: int, value: int, days: list[int], answer_days: list[int], *, same: bool
) -> Callable[[int, int], Rank | None]:
    """How near a free entry is, None if its date forbids it."""

    def rank(other_value: int, other: int) -> Rank | None:
        gap = days[place] - answer_days[other] if same else answer_days[other] - days[place]
        if question.max_days is not None and (
            abs(gap) > question.max_days
            or (question.date_order == "forward" and gap < 0)
            or (question.date_order == "backward" and gap > 0)
        ):
            return None
        distance = abs(gap) if question.max_days is not None else 0
        return abs(value + other_value - question.target), distance, -other if same else other

    return rank


def _nearest(free: Free, low: int, high: int, rank: Callable[[int, int], Rank | None]) -> int | None:
    start, stop = bisect_left(free, (low, -1)), bisect_right(free, (high, len(free) + 1 << 62))
    best: tuple[Rank, int] | None = None
    for at in range(start, stop):
        ranked = rank(*free[at])
        if ranked is not None and (best is None or ranked < best[0]):
            best = ranked, at
    return None if best is None else best[1]
