"""Keeps Redis supplied with the ids of queued jobs: a bounded window of them, none lost, none needed twice.

A backlog of any size waits in Postgres; each queue has at most a window of messages in Redis. What Redis lost (it came
back empty, a worker died with an unread message) is found by comparing what it holds with what it should.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import cast
from uuid import UUID

import redis
import structlog
from celery import Celery
from sqlalchemy import Connection, and_, bindparam, func, null, select, update

from models.job import Job, JobStatus
from models.worker import PausedQueue
from tasks.lifecycle import SHOWN
from tasks.runtime import Runtime
from workers.celery_app import lists_of
from workers.envelope import Envelopes, publish

logger = structlog.get_logger()

_NOW = func.clock_timestamp()
_QUEUED = Job.status == str(JobStatus.QUEUED)
_LOST_AFTER = timedelta(seconds=5)  # a message may be on its way between Redis and its claim for so long
_LOOK_FOR_LOST_EVERY = 2.0

_NEXT = (
    select(Job.id)
    .where(_QUEUED, Job.published_at.is_(None), Job.queue == bindparam("of_queue"))
    .order_by(Job.priority.desc(), Job.id)
    .limit(bindparam("room"))
    .with_for_update(skip_locked=True)
)
_TAKE = update(Job).where(Job.id.in_(_NEXT)).values(published_at=_NOW).returning(*SHOWN)
_WAITING = select(Job.queue).where(_QUEUED, Job.published_at.is_(None)).distinct()
_SILENT = select(Job.id, Job.queue).where(_QUEUED, Job.published_at < _NOW - _LOST_AFTER)


class Republish:
    name = "republish"
    lock = 3
    every_seconds = 0.2

    def __init__(self, runtime: Runtime, app: Celery) -> None:
        self._runtime = runtime
        self._envelopes = Envelopes(app)
        self._looked_at = 0.0

    def run(self, connection: Connection) -> None:
        if time.monotonic() - self._looked_at > _LOOK_FOR_LOST_EVERY:
            self._looked_at = time.monotonic()
            self._find_lost(connection)
        paused = set(connection.execute(select(PausedQueue.queue)).scalars())
        for queue in set(connection.execute(_WAITING).scalars()) - paused:
            self._feed(connection, queue)

    def _feed(self, connection: Connection, queue: str) -> None:
        """Fill the queue's window, in order."""
        room = self._runtime.settings.publish_window - self._held(queue)
        if room <= 0:
            return
        jobs = [cast("Job", row) for row in connection.execute(_TAKE, {"of_queue": queue, "room": room}).all()]
        jobs.sort(key=lambda job: (-job.priority, job.id))
        try:
            publish(self._envelopes, self._runtime.redis, jobs)
        except (redis.RedisError, OSError):
            connection.rollback()  # they stay unpublished; the next turn tries again
            raise

    def _held(self, queue: str) -> int:
        with self._runtime.redis.pipeline(transaction=False) as pipe:
            for name in lists_of(queue):
                pipe.llen(name)
            return sum(cast("list[int]", pipe.execute()))

    def _find_lost(self, connection: Connection) -> None:
        silent: dict[str, set[UUID]] = {}
        for job_id, queue in connection.execute(_SILENT):
            silent.setdefault(queue, set()).add(job_id)
        for queue, ids in silent.items():
            lost = ids - self._ids_held(queue)
            if lost:
                logger.info("jobs_republished", queue=queue, jobs=len(lost))
                connection.execute(update(Job).where(and_(Job.id.in_(lost), _QUEUED)).values(published_at=null()))

    def _ids_held(self, queue: str) -> set[UUID]:
        client: redis.Redis = self._runtime.redis
        held: set[UUID] = set()
        for name in lists_of(queue):
            held.update(_ids(cast("list[bytes]", client.lrange(name, 0, -1))))
        return held


def _ids(messages: Iterable[bytes]) -> Iterable[UUID]:
    for message in messages:
        yield UUID(json.loads(message)["headers"]["id"])
