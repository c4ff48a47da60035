"""What clients send and get about schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.moments import Moment
from api.query import Query
from api.schedules.words import in_words

Outcome = Literal["ran", "late", "skipped", "missed"]


class SchedulePath(BaseModel):
    name: str = Field(max_length=200, description="A schedule's name.")


class LedgerQuery(Query):
    days: int = Field(30, ge=1, le=366)
    outcome: Outcome | None = None
    limit: int = Field(100, ge=1, le=1000)
    cursor: Moment | None = Field(None, description="`next_cursor` of the page before.")


class BackfillBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    start: Moment = Field(description="The first due time to make up for.")
    end: Moment = Field(description="Due times before this; not in the future.")


class ScheduleRunDocument(BaseModel):
    schedule: str
    due_at: datetime
    decided_at: datetime | None
    outcome: Outcome
    reason: str | None
    job_id: UUID | None
    trigger: str


class ScheduleDocument(BaseModel):
    name: str
    kind: str
    params: dict[str, Any]
    words: str = Field(description="When it runs, for people.")
    every_seconds: int
    at_start: bool
    catch_up: str
    overlap: str
    state: Literal["active", "paused", "retired"]
    paused_at: datetime | None
    paused_by: str | None
    next_run_at: datetime | None = Field(description="Null while paused or retired.")
    last_run: ScheduleRunDocument | None
    last_30_days: dict[str, int] = Field(description="Due times by outcome.")


class ScheduleList(BaseModel):
    data: list[ScheduleDocument]


class ScheduleRunList(BaseModel):
    data: list[ScheduleRunDocument]
    next_cursor: datetime | None


class Backfilled(BaseModel):
    data: list[ScheduleRunDocument]
    made: int = Field(description="Jobs that were made.")


def schedule_document(row: Any, last: Any, counted: dict[str, int]) -> dict[str, Any]:
    state = "retired" if row.retired_at else "paused" if row.paused_at else "active"
    return {
        "name": row.name,
        "kind": row.kind,
        "params": row.params,
        "words": in_words(row),
        "every_seconds": row.every_seconds,
        "at_start": row.at_start,
        "catch_up": row.catch_up,
        "overlap": row.overlap,
        "state": state,
        "paused_at": row.paused_at,
        "paused_by": row.paused_by,
        "next_run_at": row.next_due_at if state == "active" else None,
        "last_run": last._asdict() if last is not None else None,
        "last_30_days": {outcome: counted.get(outcome, 0) for outcome in ("ran", "late", "skipped", "missed")},
    }
