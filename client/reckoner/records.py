"""What the platform tells about: jobs, their events and logs, kinds, queues, workers, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .shapes import shape

if TYPE_CHECKING:
    from .sdk import Reckoner

T = TypeVar("T")


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
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


@dataclass(frozen=True)
class Progress:
    done: float
    total: float | None = None
    stage: str = ""
    message: str = ""


@dataclass(frozen=True)
class Waiting:
    """Why a job is not running yet."""

    reason: str
    message: str
    position: int | None = None
    queue_depth: int | None = None
    estimated_wait_seconds: float | None = None
    estimated_start_at: datetime | None = None


@dataclass(frozen=True)
class Job:
    """A job as it was when it was asked for; what acts on it answers a newer one."""

    id: str
    kind: str
    status: JobStatus
    queue: str
    priority: int
    owner: str
    tags: tuple[str, ...]
    params: dict[str, Any] | None
    progress: Progress | None
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    attempt: int
    max_attempts: int
    created_at: datetime
    run_at: datetime | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    cancel_reason: str | None = None
    cancelled_by: str | None = None
    crashes: int = 0
    unique_key: str | None = None
    origin_id: str | None = None
    parent_id: str | None = None
    schedule: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    version: int = 0
    waiting: Waiting | None = None
    _document: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _client: Any = field(default=None, repr=False, compare=False)  # a Reckoner, which knows this module

    @property
    def document(self) -> dict[str, Any]:
        """The whole JSON object, with whatever this version of the client does not know by name."""
        return self._document

    @property
    def is_final(self) -> bool:
        return self.status.is_final

    @property
    def _home(self) -> Reckoner:
        if self._client is None:
            raise ValueError("this job does not come from a Reckoner, so it cannot be acted on")
        home: Reckoner = self._client
        return home

    def wait(
        self, timeout: float | None = None, *, progress: Callable[[Job], object] | None = None, check: bool = True
    ) -> Job:
        """The job once it has ended. `progress` is called with each newer state.

        Raises JobFailedError or JobCancelledError unless `check` is off; WaitTimeoutError when the time is up first.
        """
        return self._home.wait(self, timeout, progress=progress, check=check)

    def refresh(self) -> Job:
        return self._home.job(self.id)

    def follow(self) -> Iterator[Event | Job]:
        """Its events and newer states, live, until it has ended."""
        return self._home.follow(self.id)

    def cancel(self, reason: str | None = None) -> Job:
        return self._home.cancel(self.id, reason=reason)

    def retry(self, **params: Any) -> Job:
        """A new job with the same params, or, if any are given, with these in their place."""
        return self._home.retry(self.id, params={**(self._home.params(self.id)), **params} if params else None)

    def artifacts(self) -> list[Artifact]:
        """The files that it made."""
        return self._home.artifacts(self.id)

    def download(self, name: str, to: str | Path) -> Path:
        """Save one of its files, as `to` or under its own name in the folder `to`."""
        return self._home.download(self.id, name, to)

    def result_as(self, cls: type[T]) -> T:
        """The result as an instance of a dataclass, e.g. `reckoner.TwoSumResult`."""
        if self.result is None:
            raise ValueError(f"job {self.id} is {self.status} and has no result here; wait() for it first")
        return shape(cls, self.result)


@dataclass(frozen=True)
class Event:
    """One move of a job."""

    seq: int
    at: datetime
    event: str
    status: JobStatus
    attempt: int
    actor: str
    detail: dict[str, Any] | None = None
    _document: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def document(self) -> dict[str, Any]:
        return self._document


@dataclass(frozen=True)
class LogLine:
    attempt: int
    line: int
    at: datetime
    level: str
    event: str
    fields: dict[str, Any] | None = None


@dataclass(frozen=True)
class File:
    """An uploaded file; `preview` says which sheets and columns are in it."""

    id: str
    name: str
    sha256: str
    bytes: int
    format: str
    created_at: datetime
    preview: dict[str, Any]


@dataclass(frozen=True)
class Artifact:
    """A file that a job made."""

    name: str
    media_type: str
    bytes: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True)
class ScheduleRun:
    """What became of one due time."""

    schedule: str
    due_at: datetime
    outcome: str
    reason: str | None
    job_id: str | None
    trigger: str
    decided_at: datetime | None = None


@dataclass(frozen=True)
class Schedule:
    name: str
    kind: str
    params: dict[str, Any]
    words: str
    state: str
    next_run_at: datetime | None
    last_run: ScheduleRun | None
    last_30_days: dict[str, int]
    paused_by: str | None = None


@dataclass(frozen=True)
class Kind:
    name: str
    title: str
    description: str
    queue: str
    time_limit_seconds: float
    params_schema: dict[str, Any]
    result_schema: dict[str, Any]
    exclusive: bool = False


@dataclass(frozen=True)
class QueueState:
    queue: str
    depth: int
    oldest_age_seconds: float | None
    paused: bool
    workers: int
    slots: int
    mean_run_seconds: float
    paused_at: datetime | None = None
    paused_by: str | None = None
    pause_reason: str | None = None


@dataclass(frozen=True)
class Queues:
    at: datetime
    queues: tuple[QueueState, ...]
    jobs: dict[str, int]


@dataclass(frozen=True)
class Run:
    job_id: str
    kind: str
    attempt: int
    started_at: datetime | None = None
    peak_memory_bytes: int | None = None


@dataclass(frozen=True)
class Worker:
    id: str
    name: str
    hostname: str
    pid: int
    queues: tuple[str, ...]
    concurrency: int
    version: str
    status: str
    started_at: datetime
    last_seen_at: datetime
    running: int = 0
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True)
class Key:
    """An API key without its secret."""

    id: str
    name: str
    owner: str
    role: str
    hint: str = ""
    created_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class NewKey:
    """An API key as it is shown once."""

    id: str
    key: str = field(repr=False)
    name: str
    owner: str
    role: str


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, to what, when."""

    id: str
    at: datetime
    actor: str
    action: str
    target: str | None = None
    role: str | None = None
    key_id: str | None = None
    detail: dict[str, Any] | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class BulkAnswer:
    matched: int
    acted: int
    dry_run: bool
    job_ids: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at."""

    check: str
    severity: str  # ok, warning, error
    what: str
    way_out: str | None = None


@dataclass(frozen=True)
class Diagnosis:
    at: datetime
    version: str
    node_id: str
    findings: tuple[Finding, ...]
