"""Files that jobs made; a row becomes visible with the success of its job."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import BigInteger, Connection, UniqueConstraint, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Artifact(Base):
    __tablename__ = "artifacts"
    __table_args__ = (UniqueConstraint("job_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID]
    name: Mapped[str]
    media_type: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


def add_artifact(connection: Connection, **facts: Any) -> None:
    connection.execute(insert(Artifact).values(**facts, created_at=func.clock_timestamp()))


def artifacts_of(connection: Connection, job_id: UUID) -> list[Artifact]:
    statement = select(*Artifact.__table__.c).where(Artifact.job_id == job_id).order_by(Artifact.name)
    return [cast("Artifact", row) for row in connection.execute(statement).all()]
