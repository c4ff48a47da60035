"""Rejects of a run, and how two runs differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, exists, func, not_, select
from sqlalchemy.orm import aliased

from models.raw_transaction import TEXT_COLUMNS, RawTransaction, RejectedTransaction

Rows = Sequence[Row[Any]]
ID_TAKEN = "id_taken"


def rejects(
    connection: Connection, load_id: int, *, limit: int, reason: str | None = None, after_line: int = 0
) -> Rows:
    """Rejected rows in the order of the file."""
    columns = [RejectedTransaction.__table__.c[name] for name in ("line", *TEXT_COLUMNS, "reasons", "record")]
    statement = (
        select(*columns)
        .where(RejectedTransaction.load_id == load_id, RejectedTransaction.line > after_line)
        .order_by(RejectedTransaction.line)
        .limit(limit)
    )
    if reason is not None:
        statement = statement.where(RejectedTransaction.reasons.contains([reason]))
    return connection.execute(statement).all()


class Comparison:
    """What a later run of a file brought that an earlier one had not."""

    def __init__(self, connection: Connection, earlier: int, later: int, *, limit: int) -> None:
        self._connection = connection
        self._earlier = earlier
        self._later = later
        self._limit = limit

    def charges_added(self) -> tuple[int, Rows]:
        """Rows of the later run that became charges."""
        rejected = aliased(RejectedTransaction)
        is_rejected = exists().where(rejected.load_id == RawTransaction.load_id, rejected.line == RawTransaction.line)
        return self._some(_texts(RawTransaction).where(RawTransaction.load_id == self._later, not_(is_rejected)))

    def changed(self) -> tuple[int, Rows]:
        """Rows that say something else about a charge that the ledger has."""
        return self._some(_rejected(self._later).where(RejectedTransaction.reasons.contains([ID_TAKEN])))

    def rejected_now(self) -> tuple[int, Rows]:
        """Rejected by the later run, while the earlier one rejected no row with that id."""
        return self._some(self._only(self._later, self._earlier))

    def rejected_before(self) -> tuple[int, Rows]:
        """Rejected by the earlier run, while the later one took a row with that id."""
        rejected = aliased(RejectedTransaction)
        raw = aliased(RawTransaction)
        taken = and_(raw.load_id == self._later, raw.id == RejectedTransaction.id)
        still = exists().where(rejected.load_id == raw.load_id, rejected.line == raw.line)
        return self._some(_rejected(self._earlier).where(exists().where(taken, not_(still))))

    def _only(self, there: int, not_there: int) -> Select[Any]:
        other = aliased(RejectedTransaction)
        # Compared as texts: Postgres can hash those, while IS NOT DISTINCT FROM looks at every pair of rows.
        is_same = func.coalesce(other.id, "") == func.coalesce(RejectedTransaction.id, "")
        same = exists().where(other.load_id == not_there, is_same)
        return _rejected(there).where(not_(same))

    def _some(self, statement: Select[Any]) -> tuple[int, Rows]:
        count = self._connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
        return count, self._connection.execute(statement.order_by("line").limit(self._limit)).all()


def _texts(table: type[RawTransaction]) -> Select[Any]:
    return select(*(table.__table__.c[name] for name in ("line", *TEXT_COLUMNS)))


def _rejected(load_id: int) -> Select[Any]:
    columns = (RejectedTransaction.__table__.c[name] for name in ("line", *TEXT_COLUMNS, "reasons"))
    return select(*columns).where(RejectedTransaction.load_id == load_id)
