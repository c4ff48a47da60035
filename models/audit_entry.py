"""Who did what that changed something other than a job's own timeline: one row an act, added and never rewritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class AuditEntry(Base):
    __tablename__ = "audit_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # UUIDv7: newer sorts after older
    at: Mapped[datetime] = mapped_column(index=True)  # what retention deletes by
    actor: Mapped[str]  # an owner, or what acted without a key
    role: Mapped[str | None]
    key_id: Mapped[UUID | None]  # no foreign key: the entry outlives whatever it names
    action: Mapped[str]  # noun.verb, such as queue.paused; published, so never renamed
    target: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None]
    request_id: Mapped[str | None]


_COLUMNS = tuple(AuditEntry.__table__.c)


@dataclass
class Act:
    """What somebody does, before it is written down."""

    id: UUID
    actor: str
    action: str
    target: str | None = None
    role: str | None = None
    key_id: UUID | None = None
    request_id: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """Which entries a list shows."""

    actor: str | None = None
    actions: Sequence[str] = ()
    target: str | None = None
    after: datetime | None = None
    before: datetime | None = None


def add(connection: Connection, act: Act) -> None:
    """Part of the transaction that does the act: both are kept or neither."""
    connection.execute(insert(AuditEntry).values(at=func.clock_timestamp(), **_facts(act)))


def add_unless_lately(connection: Connection, act: Act, lately: timedelta) -> None:
    """For what strangers can cause: the same act again adds nothing for a while, so nobody can flood the table."""
    facts = {"at": func.clock_timestamp(), **_facts(act)}
    columns = [AuditEntry.__table__.c[name] for name in facts]
    known = exists().where(
        AuditEntry.action == act.action,
        AuditEntry.target == act.target,
        AuditEntry.at > func.clock_timestamp() - lately,
    )
    values = [
        value if name == "at" else literal(value, column.type)
        for (name, value), column in zip(facts.items(), columns, strict=True)
    ]
    connection.execute(insert(AuditEntry).from_select(list(facts), select(*values).where(~known)))


def _facts(act: Act) -> dict[str, Any]:
    return {
        "id": act.id,
        "actor": act.actor,
        "role": act.role,
        "key_id": act.key_id,
        "action": act.action,
        "target": act.target,
        "detail": act.detail or None,
        "request_id": act.request_id,
    }


def page(connection: Connection, wanted: Wanted, *, limit: int, older_than: UUID | None = None) -> Sequence[Row[Any]]:
    """Newest first."""
    statement = select(*_COLUMNS)
    if wanted.actor:
        statement = statement.where(AuditEntry.actor == wanted.actor)
    if wanted.actions:
        statement = statement.where(AuditEntry.action.in_(wanted.actions))
    if wanted.target:
        statement = statement.where(AuditEntry.target == wanted.target)
    if wanted.after:
        statement = statement.where(AuditEntry.at > wanted.after)
    if wanted.before:
        statement = statement.where(AuditEntry.at < wanted.before)
    if older_than:
        statement = statement.where(AuditEntry.id < older_than)
    return connection.execute(statement.order_by(AuditEntry.id.desc()).limit(limit)).all()


def forget(connection: Connection, older_than: timedelta) -> int:
    """How many entries were too old to keep."""
    return connection.execute(delete(AuditEntry).where(AuditEntry.at < func.clock_timestamp() - older_than)).rowcount
