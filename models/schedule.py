"""Schedules, and one row for every time one was due."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Schedule(Base):
    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    params: Mapped[dict[str, Any]]
    every_seconds: Mapped[int]  # due at whole multiples of this since the epoch, so every beat agrees
    catch_up: Mapped[str]  # none, one, all: what to do with times that passed while nobody looked
    overlap: Mapped[str]  # skip, queue: what to do when the last run has not ended
    at_start: Mapped[bool]  # also once when the platform starts
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    next_due_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]  # no longer in the timetable; kept for its ledger
    created_at: Mapped[datetime]


class ScheduleRun(Base):
    """What became of one due time; the primary key is what makes a second beat harmless."""

    __tablename__ = "schedule_runs"

    schedule: Mapped[str] = mapped_column(ForeignKey("schedules.name", ondelete="CASCADE"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    decided_at: Mapped[datetime]
    outcome: Mapped[str]  # ran, late, skipped, missed
    reason: Mapped[str | None]
    job_id: Mapped[UUID | None]
    trigger: Mapped[str]  # beat, start, manual, backfill

    __table_args__ = (Index("ix_schedule_runs_due_at", "due_at"),)
