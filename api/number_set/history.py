"""The history of the number sets in Postgres, as the journal needs it."""

from __future__ import annotations

from sqlalchemy import Connection

from api.history import LockedHistory
from core.journal import Held
from models import number_set_entry as table
from models.advisory_lock import NUMBER_JOURNAL
from models.session import Database


class NumberHistory(LockedHistory[Held]):
    def __init__(self, db: Database) -> None:
        super().__init__(db, NUMBER_JOURNAL, _Held)


class _Held:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, entries: str) -> None:
        table.append(self._connection, entries)
