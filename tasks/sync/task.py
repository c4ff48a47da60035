"""The body of a sync: read everything, then write what differs in one transaction."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection

from core.errors import UnavailableError
from core.external_api import ExternalApi, shown_address
from core.http_client import Limits
from models import item, sync_page
from models.advisory_lock import SYNC_READS, SYNC_WRITES, held, hold_until_commit
from models.cache_generation import ITEMS, generation
from models.item import Upserted
from tasks.base import job_task
from tasks.context import JobContext
from tasks.items_cache import items_cache
from tasks.sync.contract import FAILURES_TOLD, SYNC, FailedRecord, SyncParams, SyncResult
from tasks.sync.feed import Feed, KnownPage, read_feed
from tasks.sync.patience import while_listening

_AT_ONCE = 5000
_COMMITTED_WITHIN = 10.0  # seconds; until then readers of the cached list ask Postgres each time


@job_task(SYNC)
def run(params: SyncParams, job: JobContext) -> SyncResult:
    with job.db.connect() as guard, held(guard, SYNC_READS) as is_alone:
        if not is_alone:
            # A worker that lost its lease may still be reading; it notices within seconds.
            raise UnavailableError("another sync has not let go yet", retry_after=5)
        before = generation(guard, ITEMS)
        feed = _read(params, job, before, guard)
        done = _write(params, job, feed, before)
    return _told(job, feed, done)


def _read(params: SyncParams, job: JobContext, before: int, connection: Connection) -> Feed:
    known: dict[int, KnownPage] = {}
    if not params.full:
        rows = sync_page.known_pages(connection, source=_source(job), page_size=params.page_size, generation=before)
        known = {start: KnownPage(etag, records) for start, etag, records in rows}
    seen = Feed()

    def progress(feed: Feed) -> None:
        nonlocal seen
        seen = feed

    def listen() -> None:
        done = seen.harvest.records + seen.records_unchanged
        job.tick(done, stage="read", message=f"{seen.pages} pages")

    limits = Limits(private_redirects=job.settings.sync_allow_private)
    api = ExternalApi(job.settings.external_api_url, job.redis, limits=limits)
    try:
        feed = while_listening(lambda: read_feed(api.page, params.page_size, known, progress), listen, api.close)
    finally:
        api.close()
    job.log.info("feed_read", pages=feed.pages, records=feed.harvest.records, failed=len(feed.harvest.failures))
    return feed


def _write(params: SyncParams, job: JobContext, feed: Feed, before: int) -> Upserted:
    connection = job.effects()
    hold_until_commit(connection, SYNC_WRITES)
    posts, done = list(feed.harvest.posts.values()), Upserted()
    for start in range(0, len(posts), _AT_ONCE):
        done += item.upsert_posts(connection, posts[start : start + _AT_ONCE])
        job.tick(min(start + _AT_ONCE, len(posts)), len(posts), stage="write")
    has_written = done.added + done.changed > 0
    if has_written:
        items_cache(job.redis, job.db).about_to_change(_COMMITTED_WITHIN)
    after = item.mark_changed(connection) if has_written else generation(connection, ITEMS)
    # What the pages say may only be skipped next time if nobody else has written an item meanwhile.
    is_ours_alone = after == before + has_written
    pages = [(start, page.etag, page.records) for start, page in feed.known.items()] if is_ours_alone else []
    sync_page.remember_pages(connection, pages, source=_source(job), page_size=params.page_size, generation=after)
    return done


def _told(job: JobContext, feed: Feed, done: Upserted) -> SyncResult:
    harvest = feed.harvest
    processed = len(harvest.posts) + feed.records_unchanged
    for failure in harvest.failures[:FAILURES_TOLD]:
        job.log.warning("record_failed", **asdict(failure))
    return SyncResult(
        source=shown_address(_source(job)),
        pages=feed.pages,
        pages_unchanged=feed.pages_unchanged,
        items_processed=processed,
        added=done.added,
        changed=done.changed,
        unchanged=processed - done.added - done.changed,
        duplicates=harvest.duplicates,
        failed=len(harvest.failures),
        failures=[FailedRecord(**asdict(failure)) for failure in harvest.failures[:FAILURES_TOLD]],
    )


def _source(job: JobContext) -> str:
    return job.settings.external_api_url
