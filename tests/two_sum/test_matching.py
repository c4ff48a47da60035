"""Every mode and option gives what the oracle gives."""

from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.workbook import build_native
from core.workbook.native_library import native_library
from tasks.two_sum import matching, sieve
from tasks.two_sum.entries import Entries, Question, as_amounts
from tasks.two_sum.matching import Matcher, least_deviation
from tasks.two_sum.one_to_one import pairs_once
from tests.two_sum import oracle
from tests.two_sum.oracle import Entry, Rule


@pytest.fixture(scope="module", params=["native", "pure"], autouse=True)
def way(request):
    """Every test of this module twice: with the native part, and with none."""
    build_native.main()
    native_library.cache_clear()
    assert native_library() is not None
    if request.param == "native":
        yield request.param
        return
    with patch.object(matching, "native_library", lambda: None), patch.object(sieve, "native_library", lambda: None):
        yield request.param


VALUES = st.one_of(st.integers(-2, 2), st.integers(-6, 6), st.integers(-300, 300), st.integers(-(10**19), 10**19))


def entries(values=VALUES):
    return st.lists(st.builds(Entry, values, st.sampled_from([0, 0, 0, 1]), st.sampled_from([0, 0, 1, 6])), max_size=14)


RULES = st.builds(
    lambda target, tolerance, percent, days, order: Rule(
        target, tolerance if percent is None else 0, percent, days, order if days is not None else "any"
    ),
    st.one_of(st.just(0), st.integers(-4, 4), st.integers(-12, 12), st.integers(-(10**19), 10**19)),
    st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 10**6)),
    st.one_of(st.none(), st.integers(1, 9999).map(lambda n: Fraction(n, 100))),
    st.one_of(st.none(), st.integers(0, 7)),
    st.sampled_from(["any", "forward", "backward"]),
)
SECOND = st.one_of(st.none(), entries())


def arrays(some):
    if some is None:
        return None
    return Entries(
        as_amounts([entry.value for entry in some]),
        np.array([entry.group for entry in some], np.int64),
        np.array([entry.day for entry in some], np.int64),
    )


def question(rule):
    share = None if rule.percent is None else ((rule.percent / 100).numerator, (rule.percent / 100).denominator)
    return Question(rule.target, rule.tolerance, share, rule.max_days, rule.date_order)


def listed(matcher):
    return [(int(i), int(j)) for left, right in matcher.pairs() for i, j in zip(left, right, strict=True)]


@given(RULES, entries(), SECOND)
def test_all_pairs_and_their_count_are_the_oracle_s(rule, first, second):
    matcher = Matcher(question(rule), arrays(first), arrays(second))
    expected = oracle.every_pair(rule, first, second)
    assert listed(matcher) == expected
    assert matcher.count() == len(expected)
    assert matcher.exists() == bool(expected)


@given(st.integers(-12, 12), st.lists(st.integers(-6, 6), max_size=30))
def test_the_first_pair_of_plain_numbers_is_the_oracle_s(target, values):
    first = Matcher(Question(target), Entries(as_amounts(values))).first()
    assert first == oracle.first_pair(Rule(target), [Entry(value) for value in values], None)


@given(RULES, entries(), SECOND)
def test_the_first_pair_is_the_oracle_s(rule, first, second):
    assert Matcher(question(rule), arrays(first), arrays(second)).first() == oracle.first_pair(rule, first, second)


@given(RULES, entries(), SECOND)
def test_partners_are_counted_as_the_oracle_lists_them(rule, first, second):
    left, right = Matcher(question(rule), arrays(first), arrays(second)).partners()
    pairs = oracle.every_pair(rule, first, second)
    if second is None:
        expected = [sum(at in pair for pair in pairs) for at in range(len(first))]
        assert left.tolist() == right.tolist() == expected
    else:
        assert left.tolist() == [sum(i == at for i, _ in pairs) for at in range(len(first))]
        assert right.tolist() == [sum(j == at for _, j in pairs) for at in range(len(second))]


@given(RULES, entries(), SECOND)
def test_one_to_one_is_the_oracle_s(rule, first, second):
    assert list(pairs_once(question(rule), arrays(first), arrays(second))) == oracle.pairs_once(rule, first, second)


@given(RULES, entries(), SECOND)
def test_the_least_deviation_is_the_oracle_s(rule, first, second):
    exact = Rule(rule.target, 0, None, rule.max_days, rule.date_order)
    assert least_deviation(question(exact), arrays(first), arrays(second)) == oracle.least_deviation(
        exact, first, second
    )


@given(
    st.integers(-400, 400),
    entries(st.integers(-300, 300)),
    SECOND.filter(lambda some: some is None or max((abs(entry.value) for entry in some), default=0) < 400),
    st.integers(1, 8),
)
def test_the_sieve_and_small_pieces_change_nothing(target, first, second, piece):
    rule = Rule(target)
    with patch.object(matching, "SIEVE_FROM", 0), patch.object(matching, "EXPANDED", piece):
        matcher = Matcher(question(rule), arrays(first), arrays(second))
        assert listed(matcher) == oracle.every_pair(rule, first, second)
        assert matcher.first() == oracle.first_pair(rule, first, second)
        assert list(pairs_once(question(rule), arrays(first), arrays(second))) == oracle.pairs_once(rule, first, second)


def test_one_to_one_takes_the_last_earlier_entry_of_one_list_and_the_first_of_another():
    assert list(pairs_once(Question(6), Entries(as_amounts([1, 1, 5])))) == [(1, 2)]
    assert list(pairs_once(Question(6), Entries(as_amounts([5])), Entries(as_amounts([1, 1])))) == [(0, 0)]


def test_the_contract_s_examples():
    def first(values, target):
        return Matcher(Question(target), Entries(as_amounts(values))).first()

    assert first([2, 7, 11, 15], 9) == (0, 1)
    assert first([1, 1, 5], 6) == (1, 2)
    assert first([3, 3], 6) == (0, 1)
    assert first([3], 6) is None
    assert first([], 0) is None


def test_a_million_amounts_with_many_partners_are_counted_without_listing():
    values = np.tile(np.array([1, -1], np.int64), 500_000)
    matcher = Matcher(Question(0), Entries(values))
    assert matcher.count() == 500_000 * 500_000
    assert matcher.first() == (0, 1)


@given(st.integers(0, 2**32), st.integers(1, 200_000), st.sampled_from([1, 2, 100, 2**20]), st.booleans())
@settings(max_examples=15)
def test_the_sieve_drops_nothing_that_has_a_partner(seed, size, step, against):
    """Lists long enough for several passes and two threads, of numbers that share their lower bits or do not."""
    chosen = np.random.default_rng(seed)
    first = chosen.integers(-(10**9), 10**9, size) * step
    second = chosen.integers(-(10**9), 10**9, size) * step if against else None
    target = int(first[0]) + int((first if second is None else second)[-1])
    left, right = sieve.survivors_against(first, second, target)
    others = first if second is None else second
    assert np.isin(np.flatnonzero(np.isin(target - first, others)), left).all()
    assert np.isin(np.flatnonzero(np.isin(target - others, first)), right).all()
    assert (np.diff(left) > 0).all()


def test_the_sieve_uses_both_cores_alike():
    values = np.random.default_rng(3).integers(-(10**15), 10**15, 2_000_000)
    values[[7, 1_999_999]] = 3 * 10**15, 1
    left, _ = sieve.survivors_against(values, None, 3 * 10**15 + 1)
    assert {7, 1_999_999} <= set(left.tolist())
    assert len(left) < 20_000
    assert Matcher(Question(3 * 10**15 + 1), Entries(values)).first() == (7, 1_999_999)


EDGES = (-(2**63), -(2**63) + 1, -(2**62), -1, 0, 1, 2**62, 2**63 - 1)
SHAPES = {
    "spread": lambda chosen, size: chosen.integers(-(2**63), 2**63 - 1, size),
    "small": lambda chosen, size: chosen.integers(-1000, 1000, size),
    "one value": lambda chosen, size: np.full(size, chosen.integers(-5, 5)),
    "two blocks": lambda chosen, size: chosen.choice([-(2**40), 2**40 + 2], size),
    "steps": lambda chosen, size: (np.arange(size) - chosen.integers(size)) * 2**20,
}


def partners_of(values, others, target):
    """The places of what has a partner, said with Python's integers, which do not overflow."""
    known = set(others.tolist())
    return [place for place, value in enumerate(values.tolist()) if target - value in known]


@pytest.mark.parametrize("shape", SHAPES)
@given(st.integers(0, 2**32), st.integers(262_100, 300_000), st.sampled_from([*EDGES, None]), st.booleans())
@settings(max_examples=3)
def test_the_sieve_of_a_long_list_drops_no_partner(shape, seed, size, target, against):
    """Long enough for partitions, with the edges of 64 bits among the amounts, and skewed in every way."""
    chosen = np.random.default_rng(seed)
    first, second = (SHAPES[shape](chosen, size) for _ in range(2))
    first[chosen.permutation(size)[: len(EDGES)]] = EDGES
    second[chosen.permutation(size)[: len(EDGES)]] = EDGES
    aim = int(first[chosen.integers(size)]) // 2 * 2 if target is None else target
    first[:2] = aim // 2
    left, right = sieve.survivors_against(first, second if against else None, aim)
    others = second if against else first
    assert set(partners_of(first, others, aim)) <= set(left.tolist())
    assert set(partners_of(others, first, aim)) <= set(right.tolist())
    assert (np.diff(left) > 0).all()
    assert (np.diff(right) > 0).all()


@pytest.mark.parametrize("target", [0, 1, -3, 2**40 + 6, -(2**50) - 1])
def test_partners_that_are_mixed_into_the_borders_between_places_are_kept(target):
    """Where the one ends on zeros and the other on ones: half the target taken one off would part them."""
    inverse = pow(int(sieve.FACTORS[0]), -1, 1 << 64)
    middle = target // 2 + (inverse + 1) // 2 * (target % 2)
    some = [(middle + step * 2**33 + 2**63) % 2**64 - 2**63 for step in range(1, 140_001)]
    pairs = [pair for each in some if -(2**63) <= target - each < 2**63 for pair in (each, target - each)]
    left, _ = sieve.survivors_against(np.array(pairs, np.int64), None, target)
    assert len(left) == len(pairs) > 270_000


def test_amounts_at_the_edge_of_64_bits_do_not_meet_around_it():
    values = np.tile(np.array([-(2**63), 2**63 - 1, 2**62, 5], np.int64), 100_000)
    assert Matcher(Question(0), Entries(values)).first() is None
    assert Matcher(Question(-1), Entries(values)).first() == (0, 1)
    assert Matcher(Question(10), Entries(values)).first() == (3, 7)


@given(st.integers(0, 2**32), st.sampled_from([0, 1, -7, 12_346]), st.integers(1, 40))
@settings(max_examples=4)
def test_of_a_long_list_first_count_and_all_are_those_of_its_entries_with_partners(seed, target, most):
    chosen = np.random.default_rng(seed)
    values = chosen.integers(10**9, 10**12, 270_000)
    some = chosen.permutation(len(values))[:60]
    values[some] = chosen.integers(-most, most + 1, len(some)) + target // 2
    matcher = Matcher(Question(target), Entries(values))
    few = np.sort(some)
    entries = [Entry(value) for value in values[few].tolist()]
    pairs = [(int(few[i]), int(few[j])) for i, j in oracle.every_pair(Rule(target), entries, None)]
    first = oracle.first_pair(Rule(target), entries, None)
    assert listed(matcher) == pairs
    assert matcher.count() == len(pairs)
    assert matcher.first() == (None if first is None else (few[first[0]], few[first[1]]))


@pytest.mark.parametrize("pairs", [7, 2_000_000])
@pytest.mark.parametrize("against", [False, True])
def test_the_sieve_drops_no_partner_in_lists_beyond_the_caches(pairs, against):
    chosen = np.random.default_rng(pairs)
    first, second = chosen.integers(-(10**14), 10**14, (2, 4_300_001))
    left, right = chosen.permutation(len(first))[: 2 * pairs].reshape(2, -1)
    other = second if against else first
    other[right] = 12_345 - first[left]
    kept, others = sieve.survivors_against(first, second if against else None, 12_345)
    for places, found in ((left, kept), (right, others)):
        is_kept = np.zeros(len(first), np.bool_)
        is_kept[found] = True
        assert is_kept[places].all()
        assert (np.diff(found) > 0).all()
        assert len(found) < 2 * pairs + len(first) // 2
