"""Jobs and the events that make their timeline."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class JobStatus(StrEnum):
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """A final status is one with no way out."""
        return not NEXT[self]

    @property
    def is_waiting(self) -> bool:
        return self in WAITING


NEXT: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.SCHEDULED: frozenset({JobStatus.QUEUED, JobStatus.CANCELLED}),
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.CANCELLED}),
    JobStatus.RUNNING: frozenset(
        {
            JobStatus.SUCCEEDED,
            JobStatus.FAILED,
            JobStatus.CANCELLED,
            JobStatus.RETRYING,
            JobStatus.QUEUED,  # handed back by a draining worker; costs no attempt
        }
    ),
    JobStatus.RETRYING: frozenset({JobStatus.QUEUED, JobStatus.CANCELLED}),
    JobStatus.SUCCEEDED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}
WAITING = frozenset({JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RETRYING})
FINAL = frozenset(status for status, ways in NEXT.items() if not ways)


def leads_to(target: JobStatus) -> frozenset[JobStatus]:
    """The statuses a job may have just before `target`."""
    return frozenset(status for status, ways in NEXT.items() if target in ways)


_UNFINISHED = text("status IN ('scheduled', 'queued', 'running', 'retrying')")


class Job(Base):
    """One request for a kind of work."""

    __tablename__ = "jobs"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # UUIDv7: newer sorts after older
    kind: Mapped[str]
    status: Mapped[str]
    queue: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger)  # 0 to 9, 9 first
    owner: Mapped[str]
    tags: Mapped[list[str]]
    params: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    progress: Mapped[dict[str, Any] | None]

    version: Mapped[int]  # counts moves; the newest event's seq; decides which copy of a job is newer
    attempt: Mapped[int]  # counts runs and never goes back: it is the fence every later write names
    handed_back: Mapped[int]  # runs given back by draining workers; they do not count against max_attempts
    crashes: Mapped[int]  # runs that ended with their process, not with an answer
    max_attempts: Mapped[int]
    lease_until: Mapped[datetime | None]  # by Postgres' clock, the only one that all workers share
    worker_id: Mapped[UUID | None]  # who runs it now, or ran it last
    pid: Mapped[int | None]  # the child process, so that its parent can see it die
    peak_memory: Mapped[int | None] = mapped_column(BigInteger)  # bytes, as last seen by the heartbeat

    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    run_at: Mapped[datetime | None]  # not before; set while scheduled or retrying
    queued_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]  # when its id was last handed to Redis; NULL: not yet
    started_at: Mapped[datetime | None]  # of the current attempt
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]  # when params, result, events and logs are purged
    purged_at: Mapped[datetime | None]  # they are; the row itself stays a while to say so

    cancel_requested_at: Mapped[datetime | None]
    cancel_deadline: Mapped[datetime | None]  # after which the child process is killed
    cancel_reason: Mapped[str | None]
    cancelled_by: Mapped[str | None]

    unique_key: Mapped[str | None]  # while unfinished, one per kind; see tasks/submission.py for its scope
    origin_id: Mapped[UUID | None]  # the job this one repeats, perhaps with other params
    parent_id: Mapped[UUID | None]  # the job this one is a stage of
    schedule: Mapped[str | None]
    request_id: Mapped[str | None]
    traceparent: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(f"status IN ({', '.join(repr(str(s)) for s in JobStatus)})", name="status"),
        # What runs next, in order; also what a queue's depth and a job's position are counted from.
        Index(
            "ix_jobs_waiting",
            "queue",
            text("priority DESC"),
            "id",
            postgresql_where=text("status = 'queued'"),
        ),
        Index("ix_jobs_running", "worker_id", postgresql_where=text("status = 'running'")),
        Index("ix_jobs_due", "run_at", postgresql_where=text("status IN ('scheduled', 'retrying')")),
        Index("uq_jobs_unique_key", "kind", "unique_key", unique=True, postgresql_where=_UNFINISHED),
        Index("ix_jobs_owner", "owner", "id"),
        Index("ix_jobs_schedule", "schedule", "id", postgresql_where=text("schedule IS NOT NULL")),
        Index("ix_jobs_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("ix_jobs_tags", "tags", postgresql_using="gin", postgresql_where=text("tags <> '{}'")),
        Index("ix_jobs_expires", "expires_at", postgresql_where=text("expires_at IS NOT NULL AND purged_at IS NULL")),
        # Room in each page, because every job is rewritten three times on its way.
        {"postgresql_with": {"fillfactor": "70"}},
    )


class JobEvent(Base):
    """One row a move: the timeline, the audit trail, and the source of the live stream."""

    __tablename__ = "job_events"

    # No foreign key: the statement that moves the job writes this row, and a check would lock the job again.
    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)  # the job's version after the move
    at: Mapped[datetime]
    event: Mapped[str]
    status: Mapped[str]
    attempt: Mapped[int]
    actor: Mapped[str]  # who: an owner, a worker, a housekeeping duty
    detail: Mapped[dict[str, Any] | None]
