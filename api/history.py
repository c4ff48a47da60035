"""Histories in Postgres of what changes in Redis: one process at a time moves entries in, behind the requests."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Generic, TypeVar

import redis.exceptions
import sqlalchemy.exc
import structlog
from sqlalchemy import Connection

from core.errors import UnavailableError
from core.journal import Held, History, drain
from models.advisory_lock import give_back, try_take
from models.session import Database

logger = structlog.get_logger()

LONGEST_WAIT_SECONDS = 3
_DRAIN_EVERY_SECONDS = 0.5
HeldT = TypeVar("HeldT")


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (
        sqlalchemy.exc.OperationalError,
        sqlalchemy.exc.InterfaceError,
        sqlalchemy.exc.TimeoutError,
    ) as error:
        raise UnavailableError("the history (Postgres) does not answer", retry_after=2) from error


class LockedHistory(Generic[HeldT]):
    """Appends what a journal holds, and answers what its owner asks of it, under one advisory lock."""

    def __init__(self, db: Database, lock: int, held: Callable[[Connection], HeldT]) -> None:
        self._db = db
        self._lock = lock
        self._held = held

    @contextmanager
    def alone(self, *, wait: bool) -> Iterator[HeldT | None]:
        """A session's lock, not a transaction's: it must outlast the commit, until the journal is trimmed."""
        with _answering(), ExitStack() as held:
            connection = held.enter_context(self._db.connect())
            try:
                is_locked = try_take(connection, self._lock)
            except sqlalchemy.exc.DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # It was of a Postgres that is gone. A new one from the pool, because this one would reconnect
                # without the autocommit, and what we append must be committed before the journal is trimmed.
                held.close()
                connection = held.enter_context(self._db.connect())
                is_locked = try_take(connection, self._lock)
            if not is_locked and not (wait and self._locked_in_time(connection)):
                yield None
                return
            try:
                yield self._held(connection)
            finally:
                give_back(connection, self._lock)

    def _locked_in_time(self, connection: Connection) -> bool:
        give_up = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < give_up:
            time.sleep(random.uniform(0.002, 0.02))
            if try_take(connection, self._lock):
                return True
        raise UnavailableError("the history is held by another process", retry_after=1)


def keep_moving(redis: redis.Redis, key: str, history: History[Held], *, name: str, waits: str) -> None:
    """Start the thread of this process that moves a journal to its history; `waits` is the event when it cannot."""
    # A daemon: what it has not moved when the process ends is in the journal, and another process moves it.
    threading.Thread(target=_drain_forever, args=(redis, key, history, waits), name=name, daemon=True).start()


def _drain_forever(redis_: redis.Redis, key: str, history: History[Held], waits: str) -> None:
    pause, is_away = threading.Event(), False
    while not pause.wait(_DRAIN_EVERY_SECONDS):
        try:
            if redis_.xlen(key):
                drain(redis_, key, history)
            is_away = False
        except (UnavailableError, redis.exceptions.RedisError) as error:
            if not is_away:
                logger.warning(waits, error=str(error))
            is_away = True
