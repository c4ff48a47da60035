"""What a job body is given: progress, cancellation, logs, effects, files."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import UUID

import redis
import structlog
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import OperationalError

from core.clock import now, uuid7
from core.exact_json import dumps
from core.settings import Settings
from core.storage import Storage, StoredFile
from models.artifact import add_artifact
from models.job import Job, JobStatus
from models.job_log import JobLog
from models.session import Database
from tasks.board import document
from tasks.runtime import Runtime

_LIVE_EVERY = 0.25  # seconds between progress writes to Redis; also how soon a cancellation is seen
_SAVED_EVERY = 2.0  # seconds between progress writes to Postgres
_MOST_LINES = 1000
# A body may compute for long between two effects. Should its process freeze, rescue ends the session by its name.
_OPEN_SESSION = text(
    "SELECT set_config('idle_in_transaction_session_timeout', '0', true), set_config('application_name', :name, true)"
)


class StopRequestedError(Exception):
    """Somebody cancelled this job."""


class HandBackError(Exception):
    """This worker is going away; the job goes back to its queue."""


class LeaseLostError(Exception):
    """The job belongs to somebody else by now; whatever we do must leave no trace."""


def session_of(job: Job) -> str:
    """What the session that holds an attempt's effects is called in Postgres."""
    return f"reckoner job {job.id} {job.attempt}"


class JobLogger:
    """Logs to the process log and, capped, to the job's own log that clients can read."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._logger = structlog.get_logger()
        self._lines: list[dict[str, Any]] = []
        self._count = 0

    def debug(self, event: str, **fields: Any) -> None:
        self._keep("debug", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        self._keep("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._keep("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._keep("error", event, fields)

    def _keep(self, level: str, event: str, fields: dict[str, Any]) -> None:
        getattr(self._logger, level)(event, **fields)
        if self._count > _MOST_LINES:
            return
        self._count += 1
        if self._count > _MOST_LINES:
            level, event, fields = "warning", "log_capped", {"lines": _MOST_LINES}
        self._lines.append(
            {
                "job_id": self._job.id,
                "attempt": self._job.attempt,
                "line": self._count,
                "at": now(),
                "level": level,
                "event": event[:500].replace("\0", "\ufffd"),
                "fields": fields or None,
            }
        )

    def flush(self, db: Database) -> None:
        """Written apart from the job's effects, so that a failed attempt leaves its log."""
        if self._lines:
            lines, self._lines = self._lines, []
            with db.transaction() as connection:
                connection.execute(insert(JobLog), lines)


class JobContext:
    """One attempt, as its body sees it."""

    def __init__(self, job: Job, runtime: Runtime, is_draining: Callable[[], bool]) -> None:
        self._job = job
        self._runtime = runtime
        self._is_draining = is_draining
        self._progress: dict[str, Any] | None = None
        self._tick = 0
        self._live_at = self._saved_at = time.monotonic()
        self._transaction: AbstractContextManager[Connection] | None = None
        self._connection: Connection | None = None
        self.log = JobLogger(job)

    @property
    def id(self) -> UUID:
        return self._job.id

    @property
    def attempt(self) -> int:
        return self._job.attempt

    @property
    def owner(self) -> str:
        return self._job.owner

    @property
    def job(self) -> Job:
        return self._job

    @property
    def runtime(self) -> Runtime:
        return self._runtime

    @property
    def db(self) -> Database:
        return self._runtime.db

    @property
    def redis(self) -> redis.Redis:
        return self._runtime.redis

    @property
    def storage(self) -> Storage:
        return self._runtime.storage

    @property
    def settings(self) -> Settings:
        return self._runtime.settings

    @property
    def last_progress(self) -> dict[str, Any] | None:
        return self._progress

    @property
    def effects_connection(self) -> Connection | None:
        return self._connection

    def tick(self, done: float, total: float | None = None, *, stage: str = "", message: str = "") -> None:
        """Say how far the work is, and stop here if it should: cheap enough to call for every piece of work."""
        moment = time.monotonic()
        if moment - self._live_at < _LIVE_EVERY:
            return
        self._live_at = moment
        self._tick += 1
        self._progress = {"done": done, "total": total, "stage": stage, "message": message}
        body = dumps({**document(self._job), "progress": self._progress})
        wanted_to_stop = self._runtime.board.show_progress(self._job, body, self._tick)
        if moment - self._saved_at >= _SAVED_EVERY or self._runtime.board.is_away:
            self._saved_at = moment
            wanted_to_stop = self._save() or wanted_to_stop
        if wanted_to_stop:
            raise StopRequestedError
        if self._is_draining():
            raise HandBackError

    def _save(self) -> bool:
        """Progress and log into Postgres; an outage there is waited out by the lease, not by the body."""
        try:
            is_ours, wanted_to_stop = self._runtime.lifecycle.progress(self._job, self._progress or {})
            self.log.flush(self.db)
        except OperationalError:
            return False
        if not is_ours:
            raise LeaseLostError
        return wanted_to_stop

    def hold(self, connection: Connection) -> None:
        """Raise LeaseLostError unless this attempt has the job; if so, it has it until the transaction ends."""
        mine = select(Job.id).where(
            Job.id == self.id, Job.status == str(JobStatus.RUNNING), Job.attempt == self.attempt
        )
        if connection.execute(mine.with_for_update(read=True)).first() is None:
            raise LeaseLostError

    def effects(self) -> Connection:
        """A transaction that commits together with this job's `succeeded`, or not at all."""
        if self._connection is None:
            self._transaction = self.db.transaction()
            self._connection = self._transaction.__enter__()
            self._connection.execute(_OPEN_SESSION, {"name": session_of(self._job)})
        return self._connection

    def save_artifact(self, path: Path, name: str, media_type: str) -> StoredFile:
        """Keep a file that this job made; it becomes visible with the job's success."""
        stored = self.storage.save(path)
        facts = {"id": uuid7(), "job_id": self.id, "name": name, "media_type": media_type}
        add_artifact(self.effects(), **facts, sha256=stored.sha256, bytes=stored.bytes)
        return stored

    def close_effects(self, error: BaseException | None = None) -> None:
        """Commit the effects, or roll them back when something went wrong."""
        if self._transaction is not None:
            transaction, self._transaction, self._connection = self._transaction, None, None
            transaction.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
