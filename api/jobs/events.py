"""A job's events as clients see them."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection, select

from core.clock import iso
from models.job import JobEvent

_MOST = 500


def events_after(connection: Connection, job_id: UUID, after: int, limit: int = _MOST) -> list[JobEvent]:
    statement = (
        select(*JobEvent.__table__.c)
        .where(JobEvent.job_id == job_id, JobEvent.seq > after)
        .order_by(JobEvent.seq)
        .limit(limit)
    )
    return [cast("JobEvent", row) for row in connection.execute(statement).all()]


def event_document(event: JobEvent) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "at": iso(event.at),
        "event": event.event,
        "status": event.status,
        "attempt": event.attempt,
        "actor": event.actor,
        "detail": event.detail,
    }
