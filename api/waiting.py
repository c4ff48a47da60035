"""Waiting without a thread: views ask for it, the event loop in front of Flask does it.

A view that wants to wait for a job leaves a `Wait` in the WSGI environment and answers as if the time were up; one
that wants to stream leaves a `Stream`. api.front sees that, waits on the loop, and then asks Flask again. Served by a
plain WSGI server nothing waits, and the client polls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import redis.asyncio
import structlog
from flask import request
from redis.exceptions import RedisError

from tasks.board import key_of

logger = structlog.get_logger()

WAIT = "reckoner.wait"
STREAM = "reckoner.stream"
WAITED = "reckoner.waited"  # set on the second time round
_SAFETY_LOOK = 2.0  # seconds after which a waiter looks for itself, in case a message got lost


@dataclass(frozen=True)
class Wait:
    """Wait for the job's end, then answer what GET `then` answers."""

    job_id: str
    seconds: float
    then: str


@dataclass(frozen=True)
class Stream:
    """Send the job's events after `after` as they happen."""

    job_id: str
    after: int


def wait_for(job_id: str, seconds: float, *, then: str) -> None:
    """Ask the front to hold this request until the job has ended, for so long at most."""
    if seconds > 0 and not request.environ.get(WAITED):
        request.environ[WAIT] = Wait(job_id, seconds, then)


def stream_events(job_id: str, after: int) -> None:
    request.environ[STREAM] = Stream(job_id, after)


class Switchboard:
    """Tells coroutines of this process when a job moves: one Redis subscription for all of them."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._bells: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._pubsub: Any = None
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def bell(self, job_id: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set at each move of the job; it may ring once too often, never too little for long."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen())
        event = asyncio.Event()
        bells = self._bells[job_id]
        bells.add(event)
        if len(bells) == 1:
            await self._subscribe(job_id)
        try:
            yield event
        finally:
            bells.discard(event)
            if not bells:
                self._bells.pop(job_id, None)
                await self._unsubscribe(job_id)

    async def ring_or_time_out(self, event: asyncio.Event, seconds: float) -> bool:
        """True when it rang; False when it is only time to look."""
        try:
            async with asyncio.timeout(min(seconds, _SAFETY_LOOK)):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    async def _subscribe(self, job_id: str) -> None:
        if self._pubsub is not None:
            with contextlib.suppress(RedisError, OSError):  # the listener notices too, and subscribes anew
                await self._pubsub.subscribe(key_of(job_id))

    async def _unsubscribe(self, job_id: str) -> None:
        if self._pubsub is not None:
            with contextlib.suppress(RedisError, OSError):
                await self._pubsub.unsubscribe(key_of(job_id))

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError) as error:
                logger.warning("switchboard_away", error=str(error))
                self._pubsub = None
                await asyncio.sleep(0.5)

    async def _hear(self) -> None:
        # Messages may be hours apart: no time-out on reading; a dead connection shows by its health check.
        client = redis.asyncio.Redis.from_url(
            self._url, socket_timeout=None, socket_connect_timeout=1, health_check_interval=5
        )
        async with client, client.pubsub() as pubsub:
            await pubsub.subscribe("reckoner:switchboard", *(key_of(job_id) for job_id in self._bells))
            self._pubsub = pubsub
            # What moved while nobody listened is noticed by looking.
            self._ring_all()
            while True:
                message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
                if message is not None:
                    self._ring(message["channel"].decode().rpartition(":")[2])

    def _ring(self, job_id: str) -> None:
        for event in self._bells.get(job_id, ()):
            event.set()

    def _ring_all(self) -> None:
        for job_id in list(self._bells):
            self._ring(job_id)
