"""The history of the number sets in Postgres, as the sets need it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from api.history import LockedHistory
from core.clock import now
from core.number_set import KEYS_REMEMBERED, Entry, HeldHistory
from models import number_set_entry as table
from models.advisory_lock import NUMBER_JOURNAL
from models.session import Database


class NumberHistory(LockedHistory[HeldHistory]):
    """Appends what the journal holds, and answers what a lost set is put back from."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, NUMBER_JOURNAL, _Held)


class _Held:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, entries: str) -> None:
        table.append(self._connection, entries)

    def heads(self) -> Sequence[tuple[str, int]]:
        return table.heads(self._connection)

    def entries_after(self, name: str, sequence: int) -> Iterator[Sequence[Entry]]:
        oldest = now() - KEYS_REMEMBERED
        for rows in table.after(self._connection, name, sequence):
            yield [
                Entry(
                    kind=row.kind,
                    number=row.number,
                    extracted_count=row.extracted_count,
                    sequence=row.seq,
                    key=row.idempotency_key,
                    key_seconds=max(round((row.at - oldest).total_seconds()), 0),
                )
                for row in rows
            ]
