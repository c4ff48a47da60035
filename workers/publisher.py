"""Hands job ids to Redis, in batches and off the request path.

Postgres has the job before it comes here. What cannot be published is marked as unpublished again, and housekeeping
finds it; so nothing here needs to survive a crash.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from uuid import UUID

import redis
import structlog
from celery import Celery
from sqlalchemy import null, update

from models.job import Job, JobStatus
from models.session import Database
from tasks.base import DATABASE_DOWN
from workers.envelope import Envelopes, publish

logger = structlog.get_logger()

_BATCH = 200
_PAUSE_AFTER_FAILURE = 1.0


def unpublish(db: Database, ids: Sequence[UUID]) -> None:
    """Say that these ids are not in Redis after all."""
    with db.connect() as connection:
        connection.execute(
            update(Job).where(Job.id.in_(ids), Job.status == str(JobStatus.QUEUED)).values(published_at=null())
        )


class Publisher:
    """A thread that publishes what submits hand it."""

    def __init__(self, app: Celery, db: Database, client: redis.Redis) -> None:
        self._envelopes = Envelopes(app)
        self._db = db
        self._redis = client
        self._waiting: queue.SimpleQueue[Sequence[Job] | None] = queue.SimpleQueue()
        self._behind = 0
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._down_until = 0.0

    @property
    def takes_more(self) -> bool:
        """False while Redis is away or far behind: then submits leave the job to housekeeping, which keeps order."""
        return time.monotonic() >= self._down_until and self._behind < 10 * _BATCH

    def hand_over(self, *jobs: Job) -> None:
        """Queue committed jobs for publishing, but for those left to housekeeping; returns at once."""
        published = [job for job in jobs if job.published_at is not None]
        if not published:
            return
        if self._thread is None:
            self._start()
        with self._lock:
            self._behind += len(published)
        self._waiting.put(published)

    def close(self) -> None:
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(timeout=5)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            batch, is_last = self._next_batch()
            if batch:
                self._send(batch)
            if is_last:
                return

    def _next_batch(self) -> tuple[list[Job], bool]:
        batch: list[Job] = []
        more = self._waiting.get()
        while more is not None:
            batch += more
            if len(batch) >= _BATCH or self._waiting.empty():
                break
            more = self._waiting.get()
        with self._lock:
            self._behind -= len(batch)
        return batch, more is None

    def _send(self, batch: list[Job]) -> None:
        try:
            publish(self._envelopes, self._redis, batch)
        except (redis.RedisError, OSError) as error:
            self._down_until = time.monotonic() + _PAUSE_AFTER_FAILURE
            logger.warning("publish_failed", jobs=len(batch), error=str(error))
            self._leave_to_housekeeping([job.id for job in batch])

    def _leave_to_housekeeping(self, ids: list[UUID]) -> None:
        try:
            unpublish(self._db, ids)
        except DATABASE_DOWN:
            # Then republish finds them by comparing what Redis holds with what Postgres says it should.
            logger.warning("unpublish_failed", jobs=len(ids))
