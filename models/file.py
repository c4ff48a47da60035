"""Files that people uploaded: whose they are, what they are called, and the content they name."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import BigInteger, Connection, UniqueConstraint, delete, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from models.artifact import Artifact
from models.base import Base


class File(Base):
    __tablename__ = "files"
    __table_args__ = (UniqueConstraint("owner", "sha256", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str]  # as its content says: xlsx, csv, parquet, xls, xlsb, ods
    preview: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]


def add_file(connection: Connection, **facts: Any) -> File:
    """The new row, or the one this owner has of the same content under the same name."""
    statement = insert(File).values(**facts, created_at=func.clock_timestamp())
    # An update that changes nothing makes RETURNING give the row that was there.
    statement = statement.on_conflict_do_update(
        index_elements=[File.owner, File.sha256, File.name], set_={"preview": statement.excluded.preview}
    )
    return cast("File", connection.execute(statement.returning(*File.__table__.c)).one())


def find_file(connection: Connection, file_id: UUID) -> File | None:
    return cast("File | None", connection.execute(select(*File.__table__.c).where(File.id == file_id)).first())


def list_files(connection: Connection, owner: str | None, limit: int, before: UUID | None) -> list[File]:
    """Newest first; ids grow with time."""
    statement = select(*File.__table__.c).order_by(File.id.desc()).limit(limit)
    if owner is not None:
        statement = statement.where(File.owner == owner)
    if before is not None:
        statement = statement.where(File.id < before)
    return [cast("File", row) for row in connection.execute(statement).all()]


def is_named(connection: Connection, sha256: str) -> bool:
    """Whether any file or artifact is that content."""
    files = select(File.id).where(File.sha256 == sha256).exists()
    artifacts = select(Artifact.id).where(Artifact.sha256 == sha256).exists()
    return bool(connection.execute(select(files | artifacts)).scalar())


def remove_file(connection: Connection, file_id: UUID) -> str | None:
    """Forget the file; answers its content's name if nothing else names it any more."""
    sha256: str | None = connection.execute(delete(File).where(File.id == file_id).returning(File.sha256)).scalar()
    if sha256 is None:
        return None
    return None if is_named(connection, sha256) else sha256
