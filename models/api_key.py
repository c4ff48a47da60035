"""API keys: random, shown once, stored hashed, with a role and an owner."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Role(StrEnum):
    VIEWER = "viewer"
    SUBMITTER = "submitter"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        return _RANK[self] >= _RANK[needed]


_RANK = {role: rank for rank, role in enumerate(Role)}


class ApiKey(Base):
    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(unique=True)  # SHA-256 is enough for 256 random bits
    hint: Mapped[str]  # its first characters, so that people can tell keys apart
    name: Mapped[str]
    owner: Mapped[str]
    role: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


@dataclass(frozen=True)
class KeyHolder:
    """Who a request comes from."""

    owner: str
    role: Role
    key_id: UUID | None = None


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    return "rk_" + secrets.token_urlsafe(32)


def add_key(connection: Connection, key_id: UUID, secret: str, *, name: str, owner: str, role: Role) -> bool:
    """Store a key; False when this very secret is stored already."""
    statement = (
        insert(ApiKey)
        .values(
            id=key_id,
            hash=hash_of(secret),
            hint=secret[:7],
            name=name,
            owner=owner,
            role=role,
            created_at=func.now(),
        )
        .on_conflict_do_nothing(index_elements=[ApiKey.hash])
        .returning(ApiKey.id)
    )
    return connection.execute(statement).first() is not None


def holder_of(connection: Connection, secret: str) -> KeyHolder | None:
    row = connection.execute(
        select(ApiKey.id, ApiKey.owner, ApiKey.role).where(ApiKey.hash == hash_of(secret), ApiKey.revoked_at.is_(None))
    ).first()
    return KeyHolder(row.owner, Role(row.role), row.id) if row else None


def holder_named(connection: Connection, key_id: UUID) -> KeyHolder | None:
    """The holder of a live key, for a session that was opened with it."""
    row = connection.execute(
        select(ApiKey.id, ApiKey.owner, ApiKey.role).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
    ).first()
    return KeyHolder(row.owner, Role(row.role), row.id) if row else None


def revoke(connection: Connection, key_id: UUID) -> bool:
    statement = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.id)
    )
    return connection.execute(statement).first() is not None


def list_keys(connection: Connection) -> list[dict[str, Any]]:
    """Everything but the hash, oldest first."""
    columns = [column for column in ApiKey.__table__.c if column.name != "hash"]
    return [dict(row) for row in connection.execute(select(*columns).order_by(ApiKey.id)).mappings()]


def has_keys(connection: Connection) -> bool:
    return connection.execute(select(ApiKey.id).where(ApiKey.revoked_at.is_(None)).limit(1)).first() is not None
