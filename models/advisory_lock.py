"""Locks that Postgres keeps for us while a connection or a transaction lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

SYNC_READS = 0x53594E31  # one sync at a time reads the outside API
SYNC_WRITES = 0x53594E32  # and one at a time writes items, until its commit
SUM_JOURNAL = 0x53554D4A  # "SUMJ": moves the journal of the sums to their history, or rebuilds a lost sum
NUMBER_JOURNAL = 0x4E554D4A  # "NUMJ": moves the journal of the number sets to theirs


@contextmanager
def held(connection: Connection, lock: int) -> Iterator[bool]:
    """True while this connection has the lock, False at once if another has it."""
    taken = try_take(connection, lock)
    try:
        yield taken
    finally:
        if taken:
            give_back(connection, lock)


def try_take(connection: Connection, lock: int) -> bool:
    return bool(connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": lock}).scalar_one())


def give_back(connection: Connection, lock: int) -> None:
    connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": lock})


def hold_until_commit(connection: Connection, lock: int) -> None:
    """Wait for the lock and keep it to the end of this transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
