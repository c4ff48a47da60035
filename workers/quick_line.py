"""Going on with the quick queue without its parent: what a child does between two short jobs.

Celery's way from one message to the next (receipt, dispatch over a pipe, acknowledgement, events) takes the parent and
the child some 2.5 ms of processor time a job, more than everything else together. So for a moment after each message a
child takes the next ids itself, from the same lists in the same order. Such a message is not acknowledged, because it
is not noted as given out: if the child dies before its claim, `republish` misses it as it does any other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Container
from typing import Any, cast
from uuid import UUID

import redis
import structlog

from models.job import Job
from tasks.contract import Queue
from workers.celery_app import lists_of
from workers.task_events import TaskEvents

logger = structlog.get_logger()

# After that the message is acknowledged and Celery hands out the next one: the most urgent of all queues, and what an
# operator told the parent (fewer processes, another queue) is heard.
_TURN_SECONDS = 0.25
_LISTS = lists_of(str(Queue.QUICK))


class QuickLine:
    """One turn: from a message of Celery's until the line is empty or the turn is over."""

    def __init__(
        self, client: redis.Redis, known: Container[str], is_going: Callable[[], bool], events: TaskEvents, name: str
    ) -> None:
        self._redis = client
        self._known = known
        self._is_going = is_going
        self._events = events
        self._name = name  # the worker's, as Celery calls it
        self._is_handed_out = True  # the first job is Celery's
        self._until = time.monotonic() + _TURN_SECONDS

    def passed(self, job: Job, *, is_last: bool) -> None:
        if not self._is_handed_out:
            self._events.tell(job, self._name)
        self._is_handed_out = False
        if is_last:
            self._events.flush()

    def next_after(self, job: Job) -> UUID | None:
        if job.queue != Queue.QUICK or self._is_going() or time.monotonic() > self._until:
            return None
        try:
            popped = cast("list[Any] | None", self._redis.lmpop(len(_LISTS), *_LISTS, direction="RIGHT"))
        except redis.RedisError:
            return None
        return self._understood(popped[1][0]) if popped else None

    def _understood(self, message: bytes) -> UUID | None:
        headers = json.loads(message)["headers"]
        if headers["task"] not in self._known:
            # A newer node's kind. Celery would drop the message too; republish hands its id out again.
            logger.warning("kind_not_known", kind=headers["task"], job_id=headers["id"])
            return None
        return UUID(headers["id"])
