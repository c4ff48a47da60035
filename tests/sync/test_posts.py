"""Each record of the outside API is judged by itself, and a bad one says what is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.sync.posts import BadRecordError, Harvest, Post, checked
from tests.sync.outside import post

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def test_a_good_record_is_a_post():
    assert checked(post(7)) == Post(7, "post 7", "text of 7", 1)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "not an object but null"),
        ([1], "not an object but a list"),
        ({k: v for k, v in post(1).items() if k != "title"}, "title is missing"),
        ({k: v for k, v in post(1).items() if k != "id"}, "id is missing"),
        (post(1, id="1"), "id is text, not an integer"),
        (post(1, id=True), "id is a truth value, not an integer"),
        (post(1, id=1.0), "id is a number, not an integer"),
        (post(1, id=0), "id is 0; it must be"),
        (post(1, id=2**63), "it must be between"),
        (post(1, userId=None), "userId is null, not an integer"),
        (post(1, title=5), "title is an integer, not text"),
        (post(1, title="  "), "title is empty"),
        (post(1, body=None), "body is null, not text"),
        (post(1, body={"a": 1}), "body is an object, not text"),
        (post(1, title="a\x00b"), "NUL"),
        (post(1, title="a" * 10_001), "10001 characters"),
    ],
)
def test_a_bad_record_says_why(record, reason):
    with pytest.raises(BadRecordError, match=reason):
        checked(record)


@given(st.lists(st.one_of(json_values, st.builds(post, st.integers(1, 5)), st.just(post(3, title="other")))))
def test_every_record_is_a_post_a_duplicate_or_a_failure(records):
    harvest = Harvest()
    harvest.take(records)
    assert len(harvest.posts) + harvest.duplicates + len(harvest.failures) == len(records) == harvest.records
    assert all(records[failure.position] is not None or "null" in failure.reason for failure in harvest.failures)


def test_the_first_of_two_different_records_with_one_id_wins():
    harvest = Harvest()
    harvest.take([post(1), post(1, title="other"), post(1)])
    assert harvest.posts[1].title == "post 1"
    assert (harvest.duplicates, len(harvest.failures)) == (1, 1)
    assert harvest.failures[0].external_id == 1
