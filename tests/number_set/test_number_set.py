"""The set of one process: what is missing is known from sums alone."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.number_set import NumberSet


def test_the_extracted_number_is_the_missing_one():
    numbers = NumberSet()
    numbers.extract(42)
    assert numbers.find_missing_number() == 42
    assert numbers.get_current_set() == set(range(1, 101)) - {42}
    assert (len(numbers), 42 in numbers, 41 in numbers, 101 in numbers, True in numbers) == (
        99,
        False,
        True,
        False,
        False,
    )


@given(st.integers(1, 10_000_000).flatmap(lambda top: st.tuples(st.just(top), st.integers(1, top))))
def test_any_number_of_any_set_is_found(case):
    top, number = case
    numbers = NumberSet(top)
    numbers.extract(number)
    assert numbers.find_missing_number() == number


@pytest.mark.parametrize("top", [0, -1])
def test_a_maximum_below_one_is_a_value_error(top):
    with pytest.raises(ValueError, match="1 or more"):
        NumberSet(top)


@pytest.mark.parametrize("wrong", ["1", 1.0, None, True])
def test_what_is_no_integer_is_a_type_error(wrong):
    with pytest.raises(TypeError):
        NumberSet(wrong)
    numbers = NumberSet(5)
    with pytest.raises(TypeError):
        numbers.extract(wrong)
    assert len(numbers) == 5


@pytest.mark.parametrize("number", [0, -1, 101, 10**400])
def test_outside_the_range_is_a_value_error_and_changes_nothing(number):
    numbers = NumberSet(100)
    with pytest.raises(ValueError, match="out of range"):
        numbers.extract(number)
    assert len(numbers) == 100


def test_twice_the_same_is_a_value_error_and_counted_once():
    numbers = NumberSet()
    numbers.extract(7)
    with pytest.raises(ValueError, match="already been extracted"):
        numbers.extract(7)
    assert numbers.find_missing_number() == 7


def test_none_and_several_missing_are_value_errors():
    numbers = NumberSet()
    with pytest.raises(ValueError, match="No number"):
        numbers.find_missing_number()
    numbers.extract(1)
    numbers.extract(2)
    with pytest.raises(ValueError, match="2 numbers"):
        numbers.find_missing_number()
    numbers.reset()
    assert numbers.get_current_set() == set(range(1, 101))


def test_of_many_threads_that_take_a_number_one_wins():
    numbers = NumberSet(50)

    def take(number):
        try:
            return numbers.extract(number)
        except ValueError:
            return None

    with ThreadPoolExecutor(16) as pool:
        won = [one for one in pool.map(take, list(range(1, 51)) * 16) if one]
    assert sorted(won) == list(range(1, 51))
    assert len(numbers) == 0
