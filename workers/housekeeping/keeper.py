"""Runs the duties on time, each under an advisory lock, so that any number of workers do each of them once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from redis import RedisError
from sqlalchemy import Connection, text

from tasks.base import DATABASE_DOWN
from tasks.runtime import Runtime

logger = structlog.get_logger()

_LOCK_SPACE = 0x5245  # "RE": the first half of our advisory lock numbers


class Duty(Protocol):
    """Something that must be done regularly by somebody."""

    @property
    def name(self) -> str: ...
    @property
    def lock(self) -> int: ...
    @property
    def every_seconds(self) -> float: ...

    def run(self, connection: Connection) -> None: ...


@dataclass
class _Turn:
    duty: Duty
    next_at: float


class Housekeeping:
    """One thread for all duties of one worker."""

    def __init__(self, runtime: Runtime, duties: list[Duty], is_draining: Callable[[], bool]) -> None:
        self._runtime = runtime
        self._is_draining = is_draining
        self._turns = [_Turn(duty, 0.0) for duty in duties]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="housekeeping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _work(self) -> None:
        while not self._stop.is_set():
            soonest = min(self._turns, key=lambda turn: turn.next_at)
            if self._stop.wait(max(soonest.next_at - time.monotonic(), 0.01)):
                return
            soonest.next_at = time.monotonic() + soonest.duty.every_seconds
            self.do(soonest.duty)

    def do(self, duty: Duty) -> bool:
        """Do a duty unless somebody else is at it; trouble with a server is left to the next turn."""
        try:
            with self._runtime.db.transaction() as connection:
                if not _is_ours(connection, duty.lock):
                    return False
                duty.run(connection)
        except DATABASE_DOWN as error:
            logger.warning("duty_failed", duty=duty.name, error=str(error).splitlines()[0])
            getattr(duty, "interrupted", lambda: None)()
        except (RedisError, OSError) as error:
            logger.warning("duty_failed", duty=duty.name, error=str(error))
        except Exception:  # a mistake in one duty must not end the thread that does all the others
            logger.exception("duty_raised", duty=duty.name)
        return True


def _is_ours(connection: Connection, lock: int) -> bool:
    """The lock ends with the transaction, and Postgres ends a transaction whose process has frozen."""
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '5s'"))
    statement = text("SELECT pg_try_advisory_xact_lock(:space, :lock)")
    return bool(connection.execute(statement, {"space": _LOCK_SPACE, "lock": lock}).scalar())
