"""The message that carries a job's id: written by kombu once for each kind, queue and priority, then filled in.

Celery's `send_task` takes 315 microseconds of processor time a job, in batches of a hundred; this takes 13. To a worker
and to Flower the two are the same; tests/spine/test_envelope.py compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from celery import Celery
from kombu import Connection
from kombu.utils.json import dumps

from core.clock import uuid7_text
from models.job import Job
from workers.celery_app import celery_priority, list_of

HIGHEST = 9
_ID = "00000000-0000-7000-8000-000000000000"  # stands for the job's


def urgency(job: Job) -> int:
    """Whoever lost its turn with its worker does not stand at the end of the line again."""
    return HIGHEST if job.crashes or job.handed_back else job.priority


class Envelopes:
    """Messages for the jobs of one Celery application."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._made: dict[tuple[str, str, int], tuple[str, str]] = {}

    def of(self, job: Job) -> bytes:
        look = (job.kind, job.queue, celery_priority(urgency(job)))
        before, after = self._made.get(look) or self._make(*look)
        return f"{before}{uuid7_text()}{after}".replace(_ID, str(job.id)).encode()

    def _make(self, kind: str, queue: str, priority: int) -> tuple[str, str]:
        """What comes before and after the delivery tag, which must differ from message to message."""
        with Connection("memory://") as connection:
            self._app.send_task(
                kind,
                task_id=_ID,
                connection=connection,
                queue=queue,
                priority=priority,
                ignore_result=True,
                retry=False,
            )
            channel: Any = connection.default_channel
            message = channel._get(queue)  # noqa: SLF001  # as kombu would hand it to Redis
        before, _, after = dumps(message).partition(message["properties"]["delivery_tag"])
        self._made[kind, queue, priority] = before, after
        return before, after


def publish(envelopes: Envelopes, client: redis.Redis, jobs: Sequence[Job]) -> None:
    """Hand ids to Redis in one round trip, in order; raises redis-py's errors when it is away."""
    lists: dict[str, list[bytes]] = {}
    for job in jobs:
        lists.setdefault(list_of(job.queue, urgency(job)), []).append(envelopes.of(job))
    with client.pipeline(transaction=False) as pipe:
        for name, messages in lists.items():
            pipe.lpush(name, *messages)
        pipe.execute()
