"""A Redis client that keeps its connection: for processes in which one thread asks, one command after another.

redis-py takes a connection from a pool for each command, and gives it back; with what it counts and times on the way,
that is three quarters of what a small command costs a worker.
"""

from __future__ import annotations

import threading
from typing import Any

import redis


class KeptConnection(redis.Redis):
    """As its base, without retries. Safe with several threads, but they wait for each other."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._guard = threading.Lock()
        self._kept: Any = None

    def execute_command(self, *args: Any, **options: Any) -> Any:
        with self._guard:
            if self._kept is None:
                self._kept = self.connection_pool.get_connection()
            elif _is_stale(self._kept):
                self._kept.disconnect()
            try:
                self._kept.send_command(*args)
                return self.parse_response(self._kept, args[0], **options)  # type: ignore[no-untyped-call]  # redis-py's
            except redis.ResponseError:
                raise
            except BaseException:  # a signal, too, may come between question and answer: the next must not get this one
                self._kept.disconnect()
                raise


def _is_stale(connection: Any) -> bool:
    """Whether the server has closed it, or sent what nobody asked for."""
    try:
        return bool(connection.can_read())
    except redis.ConnectionError:
        return True
