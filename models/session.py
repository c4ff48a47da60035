"""Connections to Postgres, short or transactional, with every wait bounded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

_NAME = text("SELECT set_config('application_name', :name, :is_local)")


class Database:
    """`connect()` commits each statement by itself; `transaction()` commits at its end.

    Each has a pool of its own: switching a connection between the two modes costs as much as a small statement.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 4,
        dumps: Callable[[Any], str] = json.dumps,
        application: str = "reckoner",
    ) -> None:
        self.url = make_url(url).set(drivername="postgresql+psycopg2")
        options: dict[str, Any] = {
            "pool_size": pool_size,
            # A burst beyond the pool waits here rather than opening connections that Postgres pays for.
            "max_overflow": 0,
            "pool_timeout": 3,
            # Connections die with a Postgres restart; the pool then drops them all at once, and the one
            # request that noticed is answered 503 rather than every request paying a ping.
            "pool_pre_ping": False,
            "pool_recycle": 1800,
            "json_serializer": dumps,
            "connect_args": {
                "connect_timeout": 3,
                "application_name": application,
                # A peer that vanished silently is noticed within seconds, not after the kernel's two hours.
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": 10_000,
                # A frozen process must not keep locks that others wait for.
                "options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60s",
            },
        }
        self._engine = create_engine(self.url, **options)
        # Nothing is left open after a statement that has committed, so there is nothing to reset.
        self._autocommit = create_engine(self.url, **options, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)

    @contextmanager
    def connect(self, name: str = "") -> Iterator[Connection]:
        """Every statement is its own transaction: one round trip, no BEGIN, no COMMIT.

        A named session can be ended by its name, should its process freeze while it holds something.
        """
        with self._autocommit.connect() as connection:
            if name:
                connection.execute(_NAME, {"name": name, "is_local": False})
            try:
                yield connection
            finally:
                if name and not connection.invalidated:
                    connection.execute(text("RESET application_name"))

    @contextmanager
    def transaction(self, name: str = "") -> Iterator[Connection]:
        with self._engine.begin() as connection:
            if name:
                connection.execute(_NAME, {"name": name, "is_local": True})
            yield connection

    def close(self) -> None:
        self._engine.dispose()
        self._autocommit.dispose()
