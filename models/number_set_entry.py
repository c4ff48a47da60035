"""The history of the number sets: what was made, extracted, put back and forgotten, by whom and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Index, Row, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

ENTRIES_AT_ONCE = 2_000


class NumberSetEntry(Base):
    __tablename__ = "number_set_entries"
    __table_args__ = (
        # Who took number 17? Found without reading the millions beside it.
        Index("ix_number_set_entries_name_number", "name", "number", postgresql_where="kind = 'extract'"),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    # The moment in microseconds, moved on where two share it: a set that Redis lost, or that was forgotten and made
    # again, goes on after its last entry without asking for it.
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]  # create, extract, reset or delete
    number: Mapped[int]  # what was extracted; for the other kinds the set's maximum
    extracted_count: Mapped[int]  # after this entry
    at: Mapped[datetime]
    node_id: Mapped[str]
    actor: Mapped[str | None]
    idempotency_key: Mapped[str | None]


_APPEND = text(
    """
    INSERT INTO number_set_entries (name, seq, kind, number, extracted_count, at, node_id, actor, idempotency_key)
    SELECT e->>0, (e->>1)::bigint, e->>2, (e->>3)::int, (e->>4)::int,
           'epoch'::timestamptz + (e->>5)::bigint * interval '1 microsecond', e->>6, e->>7, e->>8
    FROM jsonb_array_elements(CAST(:entries AS jsonb)) AS e
    ON CONFLICT DO NOTHING
    """
)


def append(connection: Connection, entries: str) -> None:
    """Keep entries as the journal writes them, an array of arrays in JSON: Postgres alone takes it apart."""
    connection.execute(_APPEND, {"entries": entries})


# From name to name by the key, however many entries each has.
_HEADS = text(
    """
    WITH RECURSIVE named AS (
        SELECT min(name) AS name FROM number_set_entries
        UNION ALL
        SELECT (SELECT min(later.name) FROM number_set_entries AS later WHERE later.name > named.name)
        FROM named WHERE named.name IS NOT NULL
    )
    SELECT name, (SELECT max(seq) FROM number_set_entries AS own WHERE own.name = named.name) AS seq
    FROM named WHERE name IS NOT NULL
    """
)


def heads(connection: Connection) -> list[tuple[str, int]]:
    """Each set that was ever changed, and the sequence of its last entry."""
    return [(row.name, row.seq) for row in connection.execute(_HEADS)]


def after(connection: Connection, name: str, seq: int) -> Iterator[Sequence[Row[Any]]]:
    """The later entries of a set in order, in batches, from the last that made or emptied it on."""
    own = NumberSetEntry.name == name
    cleared = select(func.max(NumberSetEntry.seq)).where(
        own, NumberSetEntry.seq > seq, NumberSetEntry.kind != "extract"
    )
    last = connection.execute(cleared).scalar()
    at = seq if last is None else last - 1
    while True:
        later = select(*NumberSetEntry.__table__.columns).where(own, NumberSetEntry.seq > at)
        rows = connection.execute(later.order_by(NumberSetEntry.seq).limit(ENTRIES_AT_ONCE)).all()
        if rows:
            yield rows
        if len(rows) < ENTRIES_AT_ONCE:
            return
        at = rows[-1].seq


def page(
    connection: Connection, name: str, *, before: int | None, number: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Entries of one set, newest first; with `number` only its extractions."""
    wanted = select(*NumberSetEntry.__table__.columns).where(NumberSetEntry.name == name)
    if before is not None:
        wanted = wanted.where(NumberSetEntry.seq < before)
    if number is not None:
        wanted = wanted.where(NumberSetEntry.kind == "extract", NumberSetEntry.number == number)
    return connection.execute(wanted.order_by(NumberSetEntry.seq.desc()).limit(limit)).all()
