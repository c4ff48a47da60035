"""A series is scanned as a loop over Python sets would, whatever its shape."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.gap_scan import series
from tasks.gap_scan.ranges import Ranges, common, merged, outside, without
from tasks.gap_scan.series import Block, Bounds, scan_series
from tasks.gap_scan.tally import ListTally, MapTally

NEAR = st.integers(-60, 60)
WIDE = st.one_of(NEAR, st.integers(-(10**18), 10**18))
RANGES = st.lists(st.tuples(NEAR, st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=6)


def expand(ranges, step=1):
    return [n for first, last in ranges.pairs() for n in range(first, last + 1, step)]


def blocks_of(numbers, size=7):
    rows = np.arange(2, len(numbers) + 2, dtype=np.int64)
    values = np.array(numbers, np.int64)

    def blocks():
        for at in range(0, len(numbers), size):
            yield Block(rows[at : at + size], values[at : at + size])

    return blocks


def expected_report(numbers, bounds, voided):
    """The plainest way to say it: sets and loops."""
    inside = [
        n for n in numbers if (bounds.start is None or n >= bounds.start) and (bounds.end is None or n <= bounds.end)
    ]
    origin = bounds.start if bounds.start is not None else min(numbers, default=0)
    if bounds.step == 1:
        origin = 0
    good = [n for n in inside if (n - origin) % bounds.step == 0]
    first = bounds.start if bounds.start is not None else min(good, default=None)
    last = bounds.end if bounds.end is not None else max(good, default=None)
    wanted = [] if first is None or last is None else range(first, last + 1, bounds.step)
    return {
        "missing": [n for n in wanted if n not in set(good) and n not in voided],
        "distinct": len(set(good)),
        "doubled": sorted({n for n in good if good.count(n) > 1}),
        "surplus": len(good) - len(set(good)),
        "outside": len(numbers) - len(inside),
        "off_step": sorted(n for n in inside if (n - origin) % bounds.step),
        "voided_used": sorted({n for n in good if n in voided}),
    }


@given(
    st.lists(NEAR, max_size=60),
    st.builds(
        Bounds,
        start=st.none() | st.integers(-70, 70),
        end=st.none() | st.integers(-70, 70),
        step=st.integers(1, 7),
    ),
    RANGES,
)
@example([], Bounds(start=1, end=5), [])
@example([5, 5, 5], Bounds(start=9, end=1), [])
@example([3, 9, 15, 4], Bounds(step=3), [(10, 13)])
@settings(max_examples=400, deadline=None)
def test_a_scan_says_what_sets_and_loops_say(numbers, bounds, void_pairs):
    voided = merged(void_pairs)
    report = scan_series(blocks_of(numbers), len(numbers), bounds, voided)
    wanted = expected_report(numbers, bounds, set(expand(voided)))
    assert expand(report.missing, bounds.step) == wanted["missing"]
    assert report.missing_count == len(wanted["missing"])
    assert (report.read, report.distinct, report.surplus) == (len(numbers), wanted["distinct"], wanted["surplus"])
    assert report.doubled == len(wanted["doubled"])
    assert sorted(set(report.doubled_cells.numbers)) == wanted["doubled"]
    assert [numbers[row - 2] for row in report.doubled_cells.rows] == list(report.doubled_cells.numbers)
    assert report.outside_range.count == wanted["outside"]
    assert sorted(report.off_step.numbers) == wanted["off_step"]
    assert expand(report.voided_used, bounds.step) == wanted["voided_used"]


@given(st.lists(WIDE, min_size=1, max_size=40))
@settings(max_examples=200, deadline=None)
def test_numbers_far_apart_are_scanned_without_a_map(numbers):
    report = scan_series(blocks_of(numbers), len(numbers), Bounds(), merged([]))
    distinct = sorted(set(numbers))
    assert (report.first, report.last) == (distinct[0], distinct[-1])
    assert report.missing_count == distinct[-1] - distinct[0] + 1 - len(distinct)
    assert sorted(set(report.doubled_cells.numbers)) == [n for n in distinct if numbers.count(n) > 1]


@given(st.lists(st.lists(NEAR, max_size=20), max_size=8))
def test_the_map_and_the_list_say_the_same(pieces):
    one, other = MapTally(), ListTally()
    for piece in pieces:
        for tally in (one, other):
            tally.add(np.array(piece, np.int64))
    assert one.present().pairs() == other.present().pairs()
    assert one.total == other.total


@given(RANGES, RANGES, NEAR, NEAR)
def test_ranges_are_the_sets_they_stand_for(some, others, first, last):
    one, other = merged(some), merged(others)
    left, right = set(expand(one)), set(expand(other))
    assert expand(one) == sorted({n for a, b in some for n in range(a, b + 1)})
    assert expand(common(one, other)) == sorted(left & right)
    assert expand(without(one, other)) == sorted(left - right)
    assert expand(outside(one, first, last)) == sorted(set(range(first, last + 1)) - left)
    assert isinstance(one, Ranges)


def test_what_is_listed_is_bounded_and_what_is_counted_is_not(monkeypatch):
    monkeypatch.setattr(series, "MOST_LISTED", 10)
    report = scan_series(blocks_of([1] * 50 + [500] * 20), 70, Bounds(end=100), merged([]))
    assert (report.doubled, report.surplus, len(report.doubled_cells.rows)) == (1, 49, 10)
    assert (report.outside_range.count, len(report.outside_range.rows)) == (20, 10)


@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled"])
def test_a_million_numbers_in_any_order(order):
    numbers = np.delete(np.arange(1, 1_000_001), [10, 11, 12, 500_000])
    if order == "descending":
        numbers = numbers[::-1]
    if order == "shuffled":
        numbers = np.random.default_rng(3).permutation(numbers)
    report = scan_series(blocks_of(numbers.tolist(), 65_536), len(numbers), Bounds(), merged([]))
    assert report.missing.pairs() == [(11, 13), (500_001, 500_001)]
    assert (report.distinct, report.surplus) == (999_996, 0)
