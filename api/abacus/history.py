"""The history of the running sums in Postgres, as the sums need it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import sqlalchemy.exc
from sqlalchemy import Connection

from core.clock import now
from core.errors import UnavailableError
from core.running_sum import KEYS_REMEMBERED, Head, HeldHistory, KnownKey
from models import running_sum_entry as entries
from models.session import Database

LONGEST_WAIT_SECONDS = 3


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (
        sqlalchemy.exc.OperationalError,
        sqlalchemy.exc.InterfaceError,
        sqlalchemy.exc.TimeoutError,
    ) as error:
        raise UnavailableError("the history of the sums (Postgres) does not answer", retry_after=2) from error


class PostgresHistory:
    """Appends what the journal holds, and answers what a lost sum is rebuilt from."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @contextmanager
    def alone(self, *, wait: bool) -> Iterator[HeldHistory | None]:
        """A session's lock, not a transaction's: it must outlast the commit, until the journal is trimmed."""
        with _answering(), ExitStack() as held:
            connection = held.enter_context(self._db.connect())
            try:
                is_locked = entries.try_lock_journal(connection)
            except sqlalchemy.exc.DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # It was of a Postgres that is gone. A new one from the pool, because this one would reconnect
                # without the autocommit, and what we append must be committed before the journal is trimmed.
                held.close()
                connection = held.enter_context(self._db.connect())
                is_locked = entries.try_lock_journal(connection)
            if not is_locked and not (wait and _locked_in_time(connection)):
                yield None
                return
            try:
                yield _Held(connection)
            finally:
                entries.unlock_journal(connection)


def _locked_in_time(connection: Connection) -> bool:
    give_up = time.monotonic() + LONGEST_WAIT_SECONDS
    while time.monotonic() < give_up:
        time.sleep(random.uniform(0.002, 0.02))
        if entries.try_lock_journal(connection):
            return True
    raise UnavailableError("the history of the sums is held by another process", retry_after=1)


class _Held:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, lines: Sequence[str]) -> None:
        entries.append(self._connection, lines)

    def head(self, name: str) -> Head:
        return Head(*entries.head(self._connection, name))

    def recent_keys(self, name: str) -> Iterator[Sequence[KnownKey]]:
        for rows in entries.recent_keys(self._connection, name, now() - KEYS_REMEMBERED):
            yield [
                KnownKey(
                    key=row.idempotency_key,
                    move=f"{row.kind}{row.amount}",
                    sum=row.sum,
                    at_microseconds=round(row.at.timestamp() * 1_000_000),
                    sequence=row.seq,
                    node_id=row.node_id,
                )
                for row in rows
            ]
