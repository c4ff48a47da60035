"""Workers that beat, and queues that somebody paused."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Worker(Base):
    """One worker group: a parent process and its children."""

    __tablename__ = "workers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    hostname: Mapped[str]
    pid: Mapped[int]
    queues: Mapped[list[str]]
    concurrency: Mapped[int]
    version: Mapped[str]
    status: Mapped[str]  # online, draining, stopped
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    facts: Mapped[dict[str, Any] | None]


class PausedQueue(Base):
    """A row while a queue is paused; nothing is claimed from it."""

    __tablename__ = "paused_queues"

    queue: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime]
    paused_by: Mapped[str]
    reason: Mapped[str | None]
