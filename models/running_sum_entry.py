"""The history of the running sums: every add, reset and restore, in order, with the sum after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Index, Row, literal, select, text, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

KEYS_AT_ONCE = 5_000


class RunningSumEntry(Base):
    __tablename__ = "running_sum_entries"
    __table_args__ = (
        # Finds the keys of the last day when Redis lost them; entries without a key cost it nothing.
        Index(
            "ix_running_sum_entries_name_at_keyed",
            "name",
            "at",
            postgresql_where="idempotency_key IS NOT NULL",
        ),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]  # add, reset, or restore: Redis came back with less than this table knew
    amount: Mapped[int] = mapped_column(BigInteger)  # what was added; 0 for the other kinds
    sum: Mapped[int] = mapped_column(BigInteger)  # after this entry
    at: Mapped[datetime]
    node_id: Mapped[str]
    idempotency_key: Mapped[str | None]
    actor: Mapped[str | None]  # who asked; nobody for a restore, unknown before it was kept


@dataclass(frozen=True, slots=True)
class Replay:
    """What the entries after `opening` up to a sequence add up to."""

    opening_sequence: int
    opening_sum: int
    opening_at: datetime | None
    entries: int
    adds: int
    added: int
    resets: int
    restores: int
    breaks: int  # entries whose sum does not follow from the entry before


_APPEND = text(
    """
    INSERT INTO running_sum_entries (name, seq, kind, amount, sum, at, node_id, idempotency_key, actor)
    SELECT e->>0, (e->>1)::bigint, e->>2, (e->>3)::bigint, (e->>4)::bigint,
           'epoch'::timestamptz + (e->>5)::bigint * interval '1 microsecond', e->>6, e->>7, e->>8
    FROM jsonb_array_elements(CAST(:entries AS jsonb)) AS e
    ON CONFLICT DO NOTHING
    """
)


def append(connection: Connection, entries: str) -> None:
    """Keep entries as the journal writes them, an array of arrays in JSON: Postgres alone takes it apart."""
    connection.execute(_APPEND, {"entries": entries})


def head(connection: Connection, name: str) -> tuple[int, int]:
    """Sequence of the last entry, and the sum after it; zeros where there is none."""
    row = connection.execute(
        select(RunningSumEntry.seq, RunningSumEntry.sum)
        .where(RunningSumEntry.name == name)
        .order_by(RunningSumEntry.seq.desc())
        .limit(1)
    ).first()
    return (0, 0) if row is None else (row.seq, row.sum)


def recent_keys(connection: Connection, name: str, since: datetime) -> Iterator[Sequence[Row[Any]]]:
    """Entries since a moment that carried an idempotency key, in batches, oldest first."""
    seen = (since, 0)
    while found := connection.execute(
        select(*RunningSumEntry.__table__.columns)
        .where(
            RunningSumEntry.name == name,
            RunningSumEntry.idempotency_key.is_not(None),
            tuple_(RunningSumEntry.at, RunningSumEntry.seq) > tuple_(*map(literal, seen)),
        )
        .order_by(RunningSumEntry.at, RunningSumEntry.seq)
        .limit(KEYS_AT_ONCE)
    ).all():
        yield found
        seen = (found[-1].at, found[-1].seq)


def page(connection: Connection, name: str, *, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """Entries of one sum, newest first."""
    wanted = select(*RunningSumEntry.__table__.columns).where(RunningSumEntry.name == name)
    if before is not None:
        wanted = wanted.where(RunningSumEntry.seq < before)
    return connection.execute(wanted.order_by(RunningSumEntry.seq.desc()).limit(limit)).all()


def sum_after(connection: Connection, name: str, sequence: int) -> int:
    """The sum after an entry; 0 before the first."""
    found = connection.scalar(
        select(RunningSumEntry.sum).where(RunningSumEntry.name == name, RunningSumEntry.seq == sequence)
    )
    return found or 0


def last_reset(connection: Connection, name: str, *, through: int) -> int:
    """Sequence of the last reset, or 0: before the first entry."""
    found = connection.scalar(
        select(RunningSumEntry.seq)
        .where(RunningSumEntry.name == name, RunningSumEntry.kind == "reset", RunningSumEntry.seq <= through)
        .order_by(RunningSumEntry.seq.desc())
        .limit(1)
    )
    return found or 0


_REPLAY = text(
    """
    WITH opening AS (
        SELECT seq, sum, at FROM running_sum_entries WHERE name = :name AND seq = :after
    ), chain AS (
        SELECT kind, amount, seq, sum,
               lag(seq, 1, CAST(:after AS bigint)) OVER entries AS seq_before,
               lag(sum, 1, coalesce((SELECT sum FROM opening), 0)) OVER entries AS sum_before
        FROM running_sum_entries WHERE name = :name AND seq > :after AND seq <= :through
        WINDOW entries AS (ORDER BY seq)
    )
    SELECT coalesce((SELECT sum FROM opening), 0) AS opening_sum, (SELECT at FROM opening) AS opening_at,
           count(*) AS entries,
           count(*) FILTER (WHERE kind = 'add') AS adds,
           coalesce(sum(amount) FILTER (WHERE kind = 'add'), 0) AS added,
           count(*) FILTER (WHERE kind = 'reset') AS resets,
           count(*) FILTER (WHERE kind = 'restore') AS restores,
           count(*) FILTER (
               WHERE seq <> seq_before + 1
                  OR sum <> CASE kind WHEN 'reset' THEN 0 ELSE CAST(sum_before AS numeric) + amount END
           ) AS breaks
    FROM chain
    """
)


def replay(connection: Connection, name: str, *, after: int, through: int) -> Replay:
    """Follow the entries one by one: each must be the next, and its sum must follow from the one before."""
    row = connection.execute(_REPLAY, {"name": name, "after": after, "through": through}).one()
    return Replay(
        opening_sequence=after,
        opening_sum=row.opening_sum,
        opening_at=row.opening_at,
        entries=row.entries,
        adds=row.adds,
        added=int(row.added),
        resets=row.resets,
        restores=row.restores,
        breaks=row.breaks,
    )


_NAMES = text(
    """
    WITH RECURSIVE names AS (
        (SELECT name FROM running_sum_entries WHERE name > :after ORDER BY name LIMIT 1)
        UNION ALL
        SELECT (SELECT e.name FROM running_sum_entries e WHERE e.name > names.name ORDER BY e.name LIMIT 1)
        FROM names WHERE names.name IS NOT NULL
    )
    SELECT name FROM names WHERE name IS NOT NULL LIMIT :limit
    """
)


def names(connection: Connection, *, after: str = "", limit: int) -> list[str]:
    """Which sums there are: one index look-up for each, whatever the length of their histories."""
    return list(connection.scalars(_NAMES, {"after": after, "limit": limit}))
