"""Every two-sum question that was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Identity, func, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class TwoSumResult(Base):
    __tablename__ = "two_sum_results"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    question: Mapped[str]  # SHA-256 of what was asked
    source: Mapped[str]  # `array`, or the path or file that was scanned
    target: Mapped[str]  # as text: exact, whatever its size
    indices: Mapped[list[Any] | None] = mapped_column(JSONB)
    numbers: Mapped[list[Any] | None] = mapped_column(JSONB)
    job_id: Mapped[UUID | None]
    created_at: Mapped[datetime]


def keep_answer(
    connection: Connection,
    *,
    question: str,
    source: str,
    target: str,
    indices: list[int] | None,
    numbers: list[Any] | None,
    job_id: UUID | None = None,
) -> None:
    connection.execute(
        insert(TwoSumResult).values(
            question=question,
            source=source,
            target=target,
            indices=indices,
            numbers=numbers,
            job_id=job_id,
            created_at=func.now(),
        )
    )
