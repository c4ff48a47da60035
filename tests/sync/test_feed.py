"""A feed is read to its end, once, whether the other side knows pages and ETags or not."""

from __future__ import annotations

import pytest

from core.errors import UpstreamError
from core.external_api import ExternalApi
from tasks.sync.feed import KnownPage, read_feed
from tests.sync.outside import OutsideApi, post


@pytest.fixture
def outside():
    with OutsideApi() as running:
        yield running


def read(outside, page_size=40, known=None):
    api = ExternalApi(outside.url, None)
    try:
        return read_feed(api.page, page_size, known or {}, lambda _: None)
    finally:
        api.close()


@pytest.mark.parametrize(("page_size", "pages"), [(30, 4), (50, 3), (100, 2), (1000, 1)])
def test_pages_are_read_until_one_is_short(outside, page_size, pages):
    feed = read(outside, page_size)
    assert len(feed.harvest.posts) == 100
    assert feed.pages == pages


@pytest.mark.parametrize("page_size", [30, 100, 1000])
def test_an_api_without_paging_is_read_once(outside, page_size):
    outside.paged = False
    feed = read(outside, page_size)
    assert (len(feed.harvest.posts), feed.harvest.duplicates) == (100, 0)
    assert feed.pages <= 2


def test_an_api_without_paging_whose_bad_record_repeats_comes_to_an_end(outside):
    outside.paged = False
    outside.posts = [post(1), None]
    feed = read(outside, 2)
    assert (len(feed.harvest.posts), len(feed.harvest.failures)) == (1, 1)


def test_an_empty_feed_is_a_feed(outside):
    outside.posts = []
    assert read(outside).harvest.posts == {}


def test_pages_that_have_not_changed_are_not_sent_again(outside):
    outside.etags = True
    first = read(outside)
    assert len(first.known) == 3
    outside.posts[50] = post(51, title="new")
    second = read(outside, known=first.known)
    assert (second.pages, second.pages_unchanged, second.records_unchanged) == (3, 2, 60)
    assert len(second.harvest.posts) == 40


def test_a_page_with_a_bad_record_is_not_remembered(outside):
    outside.etags = True
    outside.posts[50] = None
    assert set(read(outside).known) == {0, 80}


def test_an_etag_that_is_stale_costs_nothing_but_itself(outside):
    outside.etags = True
    feed = read(outside, known={0: KnownPage('"old"', 40)})
    assert len(feed.harvest.posts) == 100


def test_an_answer_that_is_no_list_is_the_other_sides_failure(outside):
    outside.always = lambda handler: handler.json({"error": "maintenance"})
    with pytest.raises(UpstreamError, match="list"):
        read(outside)


def test_a_feed_without_end_is_given_up(outside, monkeypatch):
    monkeypatch.setattr("tasks.sync.feed.MOST_RECORDS", 500)
    count = iter(range(10_000))
    outside.always = lambda handler: handler.json([post(next(count) + 1) for _ in range(100)])
    with pytest.raises(UpstreamError, match="goes on after"):
        read(outside, 100)
