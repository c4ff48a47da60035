"""New jobs: one row and its first event in one statement; unique where that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Boolean, Connection, DateTime, Row, and_, bindparam, case, false, func, not_, select, text
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects.postgresql import insert

from core.clock import uuid7
from core.errors import ConflictError, InvalidInputError
from core.exact_json import dumps
from models.array_text import array_of
from models.job import FINAL, WAITING, Job, JobStatus
from models.prepared import Prepared
from tasks.contract import JobKind
from tasks.lifecycle import CANCEL_WAITING, SHOWN, told

_NOW = func.clock_timestamp()


class UniquePolicy(StrEnum):
    REJECT = "reject"
    RETURN_EXISTING = "return_existing"
    REPLACE_QUEUED = "replace_queued"


@dataclass(frozen=True, slots=True)
class Submission:
    """A request for a job, its params already checked by the kind's own model."""

    kind: JobKind
    params: dict[str, Any]
    owner: str
    priority: int = 5
    tags: tuple[str, ...] = ()
    run_at: datetime | None = None
    unique: str | None = None
    unique_policy: UniquePolicy = UniquePolicy.REJECT
    origin_id: UUID | None = None
    parent_id: UUID | None = None
    schedule: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    id: UUID = field(default_factory=uuid7)

    @property
    def unique_key(self) -> str | None:
        """An exclusive kind has one key for everybody; a key of a client's own is apart from other owners'."""
        if self.kind.exclusive:
            return "*/exclusive"
        return f"{self.owner}/{self.unique}" if self.unique is not None else None


@dataclass(frozen=True)
class Submitted:
    job: Job
    created: bool
    replaced: Job | None = None


_MOST_IN_WORDS = 3


def checked_params(kind: JobKind, params: Any) -> dict[str, Any]:
    """What was asked, as the kind understands it, without what was left out; wrong params are named one by one."""
    try:
        return kind.params.model_validate(params).model_dump(mode="python", by_alias=True, exclude_unset=True)
    except ValidationError as error:
        wrong = described(error, "params")
        raise InvalidInputError(
            f"the params do not fit kind {kind.name!r}: {_in_words(wrong)}", validation_errors=wrong
        ) from None


def _in_words(wrong: Sequence[Mapping[str, Any]]) -> str:
    """The first few of them, for people who see the message alone."""
    said = [
        f"{'.'.join(map(str, each['loc'][1:])) or 'params':.100}: {each['msg'].removeprefix('Value error, ')}"
        for each in wrong[:_MOST_IN_WORDS]
    ]
    more = len(wrong) - len(said)
    return "; ".join(said) + (f"; and {more:,} more" if more else "")


def described(error: ValidationError, *prefix: str) -> list[dict[str, Any]]:
    """Each wrong field: where, what, and which rule."""
    return [
        {"loc": [*prefix, *(part for part in problem["loc"])], "msg": problem["msg"], "type": problem["type"]}
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]


_COLUMNS = [
    "id",
    "kind",
    "queue",
    "priority",
    "owner",
    "tags",
    "params",
    "max_attempts",
    "unique_key",
    "origin_id",
    "parent_id",
    "schedule",
    "request_id",
    "traceparent",
]
# By Postgres' clock, not by that of the node: one that is an hour ahead would run a job an hour early, and a message
# of its that got lost would not be missed for an hour.
_AT = cast_to(bindparam("wanted_at"), DateTime(timezone=True))
_IS_LATER = func.coalesce(func.statement_timestamp() < _AT, false())
_SUBMIT = told(
    insert(Job)
    .values(
        **{name: bindparam(name, type_=Job.__table__.c[name].type) for name in _COLUMNS},
        status=case((_IS_LATER, str(JobStatus.SCHEDULED)), else_=str(JobStatus.QUEUED)),
        run_at=case((_IS_LATER, _AT)),
        queued_at=case((not_(_IS_LATER), _NOW)),
        published_at=case((and_(not_(_IS_LATER), bindparam("is_published", type_=Boolean())), _NOW)),
        version=1,
        attempt=0,
        handed_back=0,
        crashes=0,
        created_at=_NOW,
        updated_at=_NOW,
    )
    .on_conflict_do_nothing(
        index_elements=[Job.kind, Job.unique_key],
        index_where=text("status IN ('scheduled', 'queued', 'running', 'retrying')"),
    )
    .returning(*SHOWN),
    "submitted",
)


def submit(connection: Connection, wanted: Submission, *, published: bool) -> Submitted:
    """Insert the job. `published` says that the caller hands its id to Redis right after the commit."""
    replaced: Job | None = None
    for _ in range(3):  # the job that is in the way may end between the two looks
        job = _insert(connection, wanted, published=published)
        if job is not None:
            return Submitted(job, created=True, replaced=replaced)
        existing = _in_the_way(connection, wanted)
        if existing is None:
            continue
        if wanted.unique_policy is UniquePolicy.RETURN_EXISTING:
            return Submitted(existing, created=False)
        if wanted.unique_policy is UniquePolicy.REPLACE_QUEUED and JobStatus(existing.status) in WAITING:
            replaced = _replace(connection, existing, wanted)
            continue
        raise ConflictError(
            f"job {existing.id} with the same unique key is {existing.status}",
            job_id=str(existing.id),
            status=existing.status,
        )
    raise ConflictError("jobs with this unique key come and go too fast; try again")


def _insert(connection: Connection, wanted: Submission, *, published: bool) -> Job | None:
    facts = {
        "id": wanted.id,
        "kind": wanted.kind.name,
        "queue": str(wanted.kind.queue_for(wanted.params)),
        "priority": wanted.priority,
        "owner": wanted.owner,
        "tags": list(wanted.tags),
        "params": wanted.params,
        "max_attempts": wanted.kind.retry.max_attempts,
        "wanted_at": wanted.run_at,
        "is_published": published,
        "unique_key": wanted.unique_key,
        "origin_id": wanted.origin_id,
        "parent_id": wanted.parent_id,
        "schedule": wanted.schedule,
        "request_id": wanted.request_id,
        "traceparent": wanted.traceparent,
    }
    detail = {"origin_id": str(wanted.origin_id)} if wanted.origin_id else None
    row = connection.execute(_SUBMIT, {**facts, "actor": wanted.owner, "detail": detail}).first()
    return cast("Job | None", row)


def _in_the_way(connection: Connection, wanted: Submission) -> Job | None:
    statement = select(*SHOWN).where(
        Job.kind == wanted.kind.name,
        Job.unique_key == wanted.unique_key,
        Job.status.not_in([str(status) for status in FINAL]),
    )
    return cast("Job | None", connection.execute(statement).first())


def _replace(connection: Connection, existing: Job, wanted: Submission) -> Job | None:
    reason = f"replaced by {wanted.id}"
    facts = {"reason": reason, "actor": wanted.owner, "detail": {"replaced_by": str(wanted.id)}}
    row = connection.execute(
        CANCEL_WAITING, {"job_id": existing.id, "keep": wanted.kind.retention.cancelled, **facts}
    ).first()
    return cast("Job | None", row)


_INSERTED = """
    WITH wanted AS (
        SELECT *, CASE WHEN wanted_at > statement_timestamp() THEN wanted_at END AS run_at
        FROM (
            SELECT id, kind, queue, priority, owner, CAST(tags AS text[]) AS tags, CAST(params AS jsonb) AS params,
                max_attempts, CAST(NULLIF(wanted_at, '') AS timestamptz) AS wanted_at,
                NULLIF(request_id, '') AS request_id, NULLIF(traceparent, '') AS traceparent
            FROM unnest(CAST(:id AS uuid[]), CAST(:kind AS text[]), CAST(:queue AS text[]),
                CAST(:priority AS smallint[]), CAST(:owner AS text[]), CAST(:tags AS text[]), CAST(:params AS text[]),
                CAST(:max_attempts AS int[]), CAST(:wanted_at AS text[]), CAST(:request_id AS text[]),
                CAST(:traceparent AS text[]))
            AS row(id, kind, queue, priority, owner, tags, params, max_attempts, wanted_at, request_id, traceparent)
        ) AS read
    ), made AS (
        INSERT INTO jobs (id, kind, status, queue, priority, owner, tags, params, version, attempt, handed_back,
            crashes, max_attempts, created_at, updated_at, run_at, queued_at, published_at, request_id, traceparent)
        SELECT id, kind, CASE WHEN run_at IS NULL THEN 'queued' ELSE 'scheduled' END, queue, priority, owner, tags,
            params, 1, 0, 0, 0, max_attempts, clock_timestamp(), clock_timestamp(), run_at,
            CASE WHEN run_at IS NULL THEN clock_timestamp() END,
            CASE WHEN run_at IS NULL AND :is_published THEN clock_timestamp() END, request_id, traceparent
        FROM wanted RETURNING {returned}
    ), told AS (
        INSERT INTO job_events (job_id, seq, at, event, status, attempt, actor)
        SELECT id, 1, clock_timestamp(), 'submitted', status, 0, owner FROM made
    )
    SELECT {answered} FROM made
"""
_MANY = text(_INSERTED.format(returned="id, status, owner", answered="count(*)"))  # too seldom to be prepared
_SET_BY_POSTGRES = "id, params, status, created_at, updated_at, run_at, queued_at, published_at"
_MANY_SHOWN = Prepared(text(_INSERTED.format(returned=f"{_SET_BY_POSTGRES}, owner", answered=_SET_BY_POSTGRES)))


class _NewJob:
    """A row to which nothing has happened yet: what was asked, and the little that Postgres set itself."""

    version = 1
    attempt = handed_back = crashes = 0
    result = error = progress = None
    lease_until = worker_id = pid = peak_memory = None
    started_at = finished_at = expires_at = purged_at = None
    cancel_requested_at = cancel_deadline = cancel_reason = cancelled_by = None
    unique_key = origin_id = parent_id = schedule = None

    def __init__(self, wanted: Submission, row: Row[Any]) -> None:
        self.kind = wanted.kind.name
        self.queue = str(wanted.kind.queue_for(wanted.params))
        self.priority = wanted.priority
        self.owner = wanted.owner
        self.tags = list(wanted.tags)
        self.max_attempts = wanted.kind.retry.max_attempts
        self.request_id = wanted.request_id
        self.traceparent = wanted.traceparent
        self.id, self.params, self.status = row.id, row.params, row.status
        self.created_at, self.updated_at = row.created_at, row.updated_at
        self.run_at, self.queued_at, self.published_at = row.run_at, row.queued_at, row.published_at


def submit_many(connection: Connection, wanted: Sequence[Submission]) -> None:
    """All of them in one statement, or none; housekeeping publishes them, in order. Unique keys are for single jobs."""
    if wanted:
        connection.execute(_MANY, {**_columns(wanted), "is_published": False})


def submit_together(connection: Connection, wanted: Sequence[Submission], *, published: bool) -> list[Job]:
    """As `submit` does for each of them, in one statement for all; none of them may be unique."""
    made = _MANY_SHOWN.run(connection, {**_columns(wanted), "is_published": published})
    rows = {row.id: row for row in made}
    return [cast("Job", _NewJob(one, rows[one.id])) for one in wanted]


def _columns(wanted: Sequence[Submission]) -> dict[str, str]:
    """Column by column: of ten thousand jobs Postgres reads arrays in half the time it takes for one JSON document."""
    columns: dict[str, list[str]] = {
        "id": [one.id.hex for one in wanted],
        "kind": [one.kind.name for one in wanted],
        "queue": [str(one.kind.queue_for(one.params)) for one in wanted],
        "priority": [str(one.priority) for one in wanted],
        "owner": [one.owner for one in wanted],
        "tags": [array_of(one.tags) for one in wanted],
        "params": [dumps(one.params).decode() for one in wanted],
        "max_attempts": [str(one.kind.retry.max_attempts) for one in wanted],
        "wanted_at": [one.run_at.isoformat() if one.run_at else "" for one in wanted],
        "request_id": [one.request_id or "" for one in wanted],
        "traceparent": [one.traceparent or "" for one in wanted],
    }
    return {name: array_of(texts) for name, texts in columns.items()}
