"""What job bodies logged, by attempt."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class JobLog(Base):
    __tablename__ = "job_logs"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    level: Mapped[str]
    event: Mapped[str]
    fields: Mapped[dict[str, Any] | None]
