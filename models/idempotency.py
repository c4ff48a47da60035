"""Answers kept by Idempotency-Key, so that a repeated POST adds nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, LargeBinary, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]  # SHA-256 of route and body
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


def try_lock(connection: Connection, owner: str, key: str) -> bool:
    """Hold this key until the transaction ends; False when another request holds it."""
    return bool(
        connection.execute(
            text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 7))"),
            {"name": f"{owner}\x1f{key}"},
        ).scalar()
    )


def recall(connection: Connection, owner: str, key: str) -> IdempotencyKey | None:
    return connection.execute(  # type: ignore[return-value]  # a row with the same names
        select(IdempotencyKey.__table__).where(IdempotencyKey.owner == owner, IdempotencyKey.key == key)
    ).first()


def remember(
    connection: Connection,
    owner: str,
    key: str,
    *,
    fingerprint: str,
    status: int,
    headers: dict[str, str],
    body: bytes,
) -> None:
    """Part of the transaction that did the work: both are kept or neither."""
    connection.execute(
        insert(IdempotencyKey).values(
            owner=owner,
            key=key,
            fingerprint=fingerprint,
            status=status,
            headers=headers,
            body=body,
            created_at=func.now(),
        )
    )
