"""Many orders at once: staged, told apart from what is there, and added in one statement."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class OrderImport(Base):
    """A file whose orders were imported; the key is made from its content and how it was read."""

    __tablename__ = "order_imports"

    key: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[UUID]
    imported_at: Mapped[datetime]


@dataclass(frozen=True)
class Published:
    added: int
    unchanged: int
    refused: list[Refused]


@dataclass(frozen=True)
class Refused:
    """A row whose number is taken; `values` as they would have been."""

    row: int
    reason: str
    values: dict[str, str]


def imported_by(connection: Connection, key: str) -> UUID | None:
    return connection.execute(select(OrderImport.job_id).where(OrderImport.key == key)).scalar()


def note_import(connection: Connection, key: str, job_id: UUID) -> None:
    """The last import of the same key is the one that counts."""
    connection.execute(text("DELETE FROM order_imports WHERE key = :key"), {"key": key})
    connection.execute(insert(OrderImport).values(key=key, job_id=job_id, imported_at=func.now()))


_VALUES = ("id", "customer_id", "amount", "status", "created_at")
_COLUMNS = "row, id, customer_id, amount, status, created_at"


def stage(connection: Connection) -> None:
    """A table of this transaction's own."""
    connection.execute(
        text(
            "CREATE TEMPORARY TABLE staged_orders (row bigint, id bigint, customer_id bigint, amount numeric(10, 2),"
            " status text, created_at timestamptz) ON COMMIT DROP"
        )
    )


def stage_lines(connection: Connection, lines: Iterable[str]) -> None:
    """Tab-separated lines as Postgres' COPY reads them."""
    cursor = connection.connection.cursor()
    try:
        cursor.copy_expert(f"COPY staged_orders ({_COLUMNS}) FROM STDIN", io.StringIO("".join(lines)))
    finally:
        cursor.close()


_REFUSED = """
SELECT staged.*, CASE
    WHEN place > 1 THEN 'id ' || staged.id || ' is in this file already'
    ELSE 'id ' || staged.id || ' is another order' END AS reason
FROM (
    SELECT *, row_number() OVER (PARTITION BY id ORDER BY row) AS place FROM staged_orders WHERE id IS NOT NULL
) AS staged
LEFT JOIN orders ON orders.id = staged.id
WHERE place > 1 OR (orders.id IS NOT NULL AND (orders.customer_id, orders.amount, orders.status, orders.created_at)
    IS DISTINCT FROM (staged.customer_id, staged.amount, staged.status, staged.created_at))
ORDER BY row
"""
_UNCHANGED = """
DELETE FROM staged_orders AS staged USING orders WHERE orders.id = staged.id
"""
# Numbers given from now on lie above those of the file; the counter itself is never turned back.
_COUNT_ON = """
SELECT setval('orders_id_seq', highest) FROM (SELECT max(id) AS highest FROM staged_orders) AS staged
WHERE highest > (SELECT last_value FROM orders_id_seq)
"""
_WITH_ID = """
INSERT INTO orders (id, customer_id, amount, status, created_at)
SELECT id, customer_id, amount, status, created_at FROM staged_orders WHERE id IS NOT NULL ORDER BY id
"""
_WITHOUT_ID = """
INSERT INTO orders (customer_id, amount, status, created_at)
SELECT customer_id, amount, status, created_at FROM staged_orders WHERE id IS NULL ORDER BY row
"""


def take_turn(connection: Connection) -> bool:
    """One import at a time writes, until its commit; False while it is another's turn."""
    return bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(1330791506)")).scalar_one())


def publish(connection: Connection) -> Published:
    """Move what is staged into the orders; to be called by the one that has the turn."""
    connection.execute(text("ANALYZE staged_orders"))
    connection.execute(text(_COUNT_ON))
    refused = [
        Refused(row.row, row.reason, {name: str(getattr(row, name)) for name in _VALUES})
        for row in connection.execute(text(_REFUSED))
    ]
    if refused:
        statement = text("DELETE FROM staged_orders WHERE row = ANY(:rows)")
        connection.execute(statement, {"rows": [each.row for each in refused]})
    unchanged = connection.execute(text(_UNCHANGED)).rowcount
    added = connection.execute(text(_WITH_ID)).rowcount + connection.execute(text(_WITHOUT_ID)).rowcount
    return Published(added, unchanged, refused)
