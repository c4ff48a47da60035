"""The history of the running sums in Postgres, as the sums need it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from api.history import LockedHistory
from core.clock import now
from core.running_sum import KEYS_REMEMBERED, Head, HeldHistory, KnownKey
from models import running_sum_entry as table
from models.advisory_lock import SUM_JOURNAL
from models.session import Database


class PostgresHistory(LockedHistory[HeldHistory]):
    """Appends what the journal holds, and answers what a lost sum is rebuilt from."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, SUM_JOURNAL, _Held)


class _Held:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, entries: str) -> None:
        table.append(self._connection, entries)

    def head(self, name: str) -> Head:
        return Head(*table.head(self._connection, name))

    def recent_keys(self, name: str) -> Iterator[Sequence[KnownKey]]:
        for rows in table.recent_keys(self._connection, name, now() - KEYS_REMEMBERED):
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
