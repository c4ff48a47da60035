"""Locks that Postgres keeps for us while a connection or a transaction lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

SYNC_READS = 0x53594E31  # one sync at a time reads the outside API
SYNC_WRITES = 0x53594E32  # and one at a time writes items, until its commit


@contextmanager
def held(connection: Connection, lock: int) -> Iterator[bool]:
    """True while this connection has the lock, False at once if another has it."""
    taken = bool(connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": lock}).scalar_one())
    try:
        yield taken
    finally:
        if taken:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": lock})


def hold_until_commit(connection: Connection, lock: int) -> None:
    """Wait for the lock and keep it to the end of this transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
