"""What clients send and get about jobs."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.moments import Moment
from api.query import Query
from models.job import JobStatus
from tasks.submission import UniquePolicy

Tag = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
Reason = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]


class Unique(BaseModel):
    """At most one unfinished job of this kind and key."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$", description="What must be unique.")
    policy: UniquePolicy = Field(
        UniquePolicy.REJECT,
        description="reject: 409. return_existing: answer with the job that is there. replace_queued: cancel it if it"
        " has not begun.",
    )


class SubmitBody(BaseModel):
    """A request for a job."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(description="One of GET /api/v1/kinds.")
    params: dict[str, Any] = Field(default_factory=dict, description="What the kind's schema asks for.")
    run_at: Moment | None = Field(None, description="Not before this time (ISO 8601 with zone).")
    priority: int = Field(5, ge=0, le=9, description="9 runs first.")
    tags: list[Tag] = Field(default_factory=list, max_length=20, description="Words to find the job by.")
    unique: Unique | None = None


class BatchBody(BaseModel):
    """Up to 10,000 requests, accepted in one transaction."""

    model_config = ConfigDict(extra="forbid")

    jobs: list[dict[str, Any]] = Field(
        min_length=1, max_length=10_000, description="Each as for a single submit; `unique` is for single jobs only."
    )


class BatchItem(BaseModel):
    """What became of the item at this place: an id, or why it was refused."""

    id: UUID | None = None
    error: str | None = None
    details: dict[str, Any] | None = None


class BatchAnswer(BaseModel):
    accepted: int
    refused: int
    jobs: list[BatchItem]


class JobPath(BaseModel):
    job_id: UUID = Field(description="A job's id.")


class JobQuery(Query):
    """The polling route's own: its schema, which the framework asks for with each request, is made once."""

    @classmethod
    @cache
    def model_json_schema(cls, **options: Any) -> dict[str, Any]:  # type: ignore[override]  # same, remembered
        return super().model_json_schema(**options)

    wait: float | None = Field(None, ge=0, description="Answer when the job has ended, or after so many seconds.")


class ListQuery(Query):
    kind: list[str] | None = Field(None, description="Kinds; repeat for several.")
    status: list[JobStatus] | None = Field(None, description="Statuses; repeat for several.")
    tag: list[str] | None = Field(None, description="Tags that all must be there.")
    owner: str | None = None
    schedule: str | None = None
    parent_id: UUID | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None
    limit: int = Field(50, ge=1, le=500)
    cursor: UUID | None = Field(None, description="`next_cursor` of the page before.")


class Filter(BaseModel):
    """Which jobs a bulk action means; an empty filter is refused."""

    model_config = ConfigDict(extra="forbid")

    ids: list[UUID] | None = Field(None, max_length=1000)
    kind: list[str] | None = None
    status: list[JobStatus] | None = None
    tag: list[str] | None = None
    owner: str | None = None
    schedule: str | None = None
    parent_id: UUID | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None


class BulkBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    filter: Filter
    reason: Reason | None = None
    dry_run: bool = Field(default=False, description="Only count.")


class CancelBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason | None = None


class RetryBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    params: dict[str, Any] | None = Field(None, description="Other params; left out: the same.")


class LogQuery(BaseModel):
    attempt: int | None = Field(None, ge=1)
    after: int = Field(0, ge=0, description="Lines after this number.")
    limit: int = Field(200, ge=1, le=1000)


class EventQuery(BaseModel):
    after: int = Field(0, ge=0, description="Events after this number.")


class Progress(BaseModel):
    done: float
    total: float | None
    stage: str
    message: str


class JobDocument(BaseModel):
    """A job as clients see it."""

    id: UUID
    kind: str
    status: JobStatus
    queue: str
    priority: int
    owner: str
    tags: list[str]
    params: dict[str, Any] | None = Field(description="null when larger than 4 KB: see links.params")
    progress: Progress | None
    result: dict[str, Any] | None = Field(description="null when larger than 64 KB: see links.result")
    error: dict[str, Any] | None
    attempt: int
    max_attempts: int
    crashes: int
    created_at: datetime
    run_at: datetime | None
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    cancel_requested_at: datetime | None
    cancel_reason: str | None
    cancelled_by: str | None
    unique_key: str | None
    origin_id: UUID | None
    parent_id: UUID | None
    schedule: str | None
    request_id: str | None
    traceparent: str | None
    version: int
    links: dict[str, str]
    waiting: dict[str, Any] | None = Field(None, description="While waiting: why, position, estimated start.")


class JobList(BaseModel):
    data: list[JobDocument]
    next_cursor: UUID | None


class EventDocument(BaseModel):
    seq: int
    at: datetime
    event: str
    status: JobStatus
    attempt: int
    actor: str
    detail: dict[str, Any] | None


class EventList(BaseModel):
    data: list[EventDocument]


class LogLine(BaseModel):
    attempt: int
    line: int
    at: datetime
    level: str
    event: str
    fields: dict[str, Any] | None


class LogList(BaseModel):
    data: list[LogLine]
    next_after: int | None


class BulkAnswer(BaseModel):
    matched: int
    acted: int
    dry_run: bool
    job_ids: list[UUID]


class Problem(BaseModel):
    """RFC 9457, and the members that older clients read."""

    type: str
    title: str
    status: int
    detail: Any
    instance: str
    error: str
    message: str
    details: dict[str, Any]
