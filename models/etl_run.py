"""Runs of the ETL: one row per file and settings, from the first byte read to the published ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from typing import cast as typing_cast
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Identity, Index, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class RunStatus(StrEnum):
    OPEN = "open"  # something of it may be staged; nothing of it shows in the ledger
    PUBLISHED = "published"
    FAILED = "failed"


class EtlRun(Base):
    __tablename__ = "etl_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    load_id: Mapped[int] = mapped_column(Identity(always=True), unique=True)  # names its rows in the raw table
    # SHA-256 of the file and of every setting that decides a row's fate: the same key is the same run.
    key: Mapped[str] = mapped_column()
    file_sha256: Mapped[str] = mapped_column()
    file_name: Mapped[str]
    file_bytes: Mapped[int] = mapped_column(BigInteger)
    settings: Mapped[dict[str, Any]]
    owner: Mapped[str]
    job_id: Mapped[UUID | None]  # the job that worked on it last
    status: Mapped[str]
    stages: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))  # a report per stage
    raw_rows: Mapped[int | None] = mapped_column(BigInteger)
    charges_added: Mapped[int | None] = mapped_column(BigInteger)
    rows_rejected: Mapped[int | None] = mapped_column(BigInteger)
    rows_known: Mapped[int | None] = mapped_column(BigInteger)  # were in the ledger already
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    published_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_etl_runs_key_alive", key, unique=True, postgresql_where=text("status IN ('open', 'published')")),
        Index("ix_etl_runs_file", file_sha256),
    )


@dataclass(frozen=True)
class RunFile:
    """What a run reads."""

    sha256: str
    name: str
    bytes: int


def find_run(connection: Connection, run_id: UUID) -> EtlRun | None:
    row = connection.execute(select(EtlRun.__table__).where(EtlRun.id == run_id)).first()
    return typing_cast("EtlRun | None", row)


def try_lock_run(connection: Connection, run_id: UUID) -> EtlRun | None:
    """The run as it is now, kept from others until the transaction ends; None while somebody else has it."""
    statement = select(EtlRun.__table__).where(EtlRun.id == run_id).with_for_update(skip_locked=True)
    return typing_cast("EtlRun | None", connection.execute(statement).first())


def run_with_key(connection: Connection, key: str) -> EtlRun | None:
    """The run of this file with these settings, unless it failed."""
    alive = EtlRun.status.in_([str(RunStatus.OPEN), str(RunStatus.PUBLISHED)])
    row = connection.execute(select(EtlRun.__table__).where(EtlRun.key == key, alive)).first()
    return typing_cast("EtlRun | None", row)


def open_run(
    connection: Connection, run_id: UUID, *, key: str, file: RunFile, settings: dict[str, Any], owner: str
) -> EtlRun:
    """The run with this key, made now if there is none: whoever comes second gets the first one's."""
    connection.execute(
        insert(EtlRun)
        .values(
            id=run_id,
            key=key,
            file_sha256=file.sha256,
            file_name=file.name,
            file_bytes=file.bytes,
            settings=settings,
            owner=owner,
            status=str(RunStatus.OPEN),
            created_at=func.now(),
            updated_at=func.now(),
        )
        .on_conflict_do_nothing()
    )
    run = run_with_key(connection, key)
    if run is None:
        raise LookupError(f"run {key} failed while it was being opened")
    return run


def note_stage(connection: Connection, run_id: UUID, stage: str, report: dict[str, Any], **columns: Any) -> None:
    """Keep what a stage says about itself, and any facts of the run that came with it."""
    statement = (
        update(EtlRun)
        .where(EtlRun.id == run_id)
        .values(
            stages=EtlRun.stages.op("||")(func.jsonb_build_object(stage, cast(report, JSONB))),
            updated_at=func.now(),
            **columns,
        )
    )
    connection.execute(statement)


def move_stage(connection: Connection, run_id: UUID, stage: str, before: Any, report: dict[str, Any]) -> bool:
    """Like `note_stage`, but only while the stage stands where we left it: two workers cannot both go on."""
    standing = EtlRun.stages[stage]["mark"]
    guard = standing.is_(None) if before is None else standing.as_integer() == before
    statement = (
        update(EtlRun)
        .where(EtlRun.id == run_id, EtlRun.status == str(RunStatus.OPEN), guard)
        .values(
            stages=EtlRun.stages.op("||")(func.jsonb_build_object(stage, cast(report, JSONB))),
            updated_at=func.now(),
        )
        .returning(EtlRun.id)
    )
    return connection.execute(statement).first() is not None


def fail_run(connection: Connection, run_id: UUID, why: str) -> None:
    """Give the key free again: the next request for this file starts from nothing."""
    connection.execute(
        update(EtlRun)
        .where(EtlRun.id == run_id, EtlRun.status == str(RunStatus.OPEN))
        .values(
            status=str(RunStatus.FAILED),
            stages=EtlRun.stages.op("||")(func.jsonb_build_object("error", why)),
            updated_at=func.now(),
        )
    )


def list_runs(
    connection: Connection,
    *,
    limit: int,
    before: UUID | None = None,
    file_sha256: str | None = None,
    owner: str | None = None,
) -> list[EtlRun]:
    """Newest first; run ids grow with time."""
    statement = select(EtlRun.__table__).order_by(EtlRun.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(EtlRun.id < before)
    if owner is not None:
        statement = statement.where(EtlRun.owner == owner)
    if file_sha256 is not None:
        statement = statement.where(EtlRun.file_sha256 == file_sha256)
    return [typing_cast("EtlRun", row) for row in connection.execute(statement)]


def try_hold(connection: Connection, run_id: UUID) -> bool:
    """Be the only one who works on this run, until the connection's session lets go or is ended."""
    return bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _lock_of(run_id)}).scalar())


def try_hold_until_commit(connection: Connection, run_id: UUID) -> bool:
    """The same until the transaction ends."""
    return bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _lock_of(run_id)}).scalar())


def abandoned_runs(connection: Connection, *, kept: timedelta, kinds: Sequence[str], limit: int) -> list[EtlRun]:
    """Open runs that were left alone for so long, and that no unfinished job can have begun; kept from others.

    A job that may have begun one is older than the run's last change. Rows that a notebook shows are no leftovers.
    """
    rows = connection.execute(_ABANDONED, {"kept": kept, "kinds": list(kinds), "most": limit})
    return [typing_cast("EtlRun", row) for row in rows]


_ABANDONED = text("""
SELECT * FROM etl_runs AS run WHERE status = 'open' AND updated_at < clock_timestamp() - :kept
   AND NOT EXISTS (SELECT FROM jobs WHERE kind = ANY(:kinds) AND created_at <= run.updated_at
                    AND status NOT IN ('succeeded', 'failed', 'cancelled'))
   AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'raw_transactions'::regclass
                    AND inhrelid = to_regclass('etl_loads.raw_' || run.load_id))
 ORDER BY updated_at LIMIT :most FOR UPDATE SKIP LOCKED
""")


def let_go(connection: Connection, run_id: UUID) -> None:
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _lock_of(run_id)})


def _lock_of(run_id: UUID) -> int:
    return int.from_bytes(run_id.bytes[8:], signed=True)
