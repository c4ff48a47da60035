"""Read a feed page by page, whether the other side knows pages and ETags or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import UpstreamError
from core.http_client import Answer
from tasks.sync.posts import Harvest

MOST_RECORDS = 1_000_000


@dataclass(frozen=True)
class KnownPage:
    """What the last successful sync saw at a place of the feed."""

    etag: str
    records: int


@dataclass
class Feed:
    """Everything that was read."""

    harvest: Harvest = field(default_factory=Harvest)
    pages: int = 0
    pages_unchanged: int = 0
    records_unchanged: int = 0
    known: dict[int, KnownPage] = field(default_factory=dict)
    last: list[Any] = field(default_factory=list)


def read_feed(
    ask: Callable[[int, int, str | None], Answer],
    page_size: int,
    known: Mapping[int, KnownPage],
    progress: Callable[[Feed], None],
) -> Feed:
    """Ask for pages until one is short, or the same as the one before: then the other side does not know paging.

    Raises UpstreamError if the answers are no lists, or never end.
    """
    feed = Feed()
    start = 0
    while True:
        before = known.get(start)
        answer = ask(start, page_size, before.etag if before else None)
        feed.pages += 1
        if answer.is_unchanged and before is not None:
            count, is_over = before.records, before.records != page_size
            feed.pages_unchanged += 1
            feed.records_unchanged += count
            feed.known[start] = before
        else:
            count, is_over = _take(feed, answer, start, page_size)
        progress(feed)
        if is_over:
            return feed
        start += count
        if start > MOST_RECORDS:
            raise UpstreamError(f"the outside API goes on after {MOST_RECORDS} records")


def _take(feed: Feed, answer: Answer, start: int, page_size: int) -> tuple[int, bool]:
    """How many records the page has, and whether it was the last one."""
    records: Any = answer.json
    if not isinstance(records, list):
        raise UpstreamError("the outside API did not answer with a list")
    if records == feed.last:
        return 0, True
    feed.last = records
    failures = len(feed.harvest.failures)
    feed.harvest.take(records)
    etag = answer.headers.get("ETag")
    # A page with a bad record is read again next time: its failure has to be told each time.
    if etag and len(feed.harvest.failures) == failures:
        feed.known[start] = KnownPage(etag, len(records))
    return len(records), len(records) != page_size
