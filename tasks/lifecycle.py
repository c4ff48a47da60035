"""Every move of a job: one function, one guarded UPDATE, one event in the same statement.

A move names the statuses it may leave (models.job.NEXT) and, once a worker has the job, the attempt it belongs to.
When the row is not in that state any more, nothing happens and the function returns None.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Interval,
    Select,
    Uuid,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    literal_column,
    not_,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from models.job import FINAL, Job, JobEvent, JobStatus, leads_to
from models.prepared import Prepared
from models.session import Database
from models.worker import PausedQueue
from tasks.board import Board
from tasks.contract import JobKind

_NOW = func.clock_timestamp()  # not now(): in a long effects transaction that would be its start
_SMALL_PARAMS = 4096

_ALL = tuple(Job.__table__.c)
# A poll must not drag a megabyte of params along: big ones are left to GET /jobs/{id}/params.
SHOWN = tuple(
    case((func.pg_column_size(column) <= _SMALL_PARAMS, column)).label("params") if column.name == "params" else column
    for column in _ALL
)


def told(moved: ReturningUpdate[Any] | ReturningInsert[Any], event: str, name: str = "moved") -> Select[Any]:
    """The move and its row in job_events as one statement, so that neither is ever without the other."""
    rows = moved.cte(name)
    event_row = insert(JobEvent).from_select(
        ["job_id", "seq", "at", "event", "status", "attempt", "actor", "detail"],
        select(
            rows.c.id,
            rows.c.version,
            _NOW,
            literal(event),
            rows.c.status,
            rows.c.attempt,
            bindparam("actor"),
            bindparam("detail", type_=JSONB(none_as_null=True)),
        ),
    )
    return select(rows).add_cte(event_row.cte(f"{name}_event"))


def _move(
    target: JobStatus | None,
    event: str,
    *conditions: ColumnElement[bool],
    leaving: frozenset[JobStatus] | None = None,
    columns: Sequence[Any] = SHOWN,
    job_id: str = "job_id",
    **values: Any,
) -> Select[Any]:
    """One guarded UPDATE by id; without a target the status stays and only the event is told."""
    if target is not None:
        values["status"] = target.value
    leaving = leads_to(target) if leaving is None and target is not None else leaving
    assert leaving, "a move names the statuses it may leave"  # noqa: S101  # holds or the module does not import
    statement = (
        update(Job)
        .where(
            Job.id == bindparam(job_id, type_=Uuid()),
            # Written out, so that a statement can be prepared: a list of values is not a value. Collated, so that the
            # row is found by its key: Postgres takes the small index of running jobs for cheaper, which it reads
            # whole, with every job that has run since its last vacuum.
            Job.status.collate("C").in_([literal_column(f"'{status}'") for status in sorted(leaving)]),
            *conditions,
        )
        .values(version=Job.version + 1, updated_at=_NOW, **values)
        .returning(*columns)
    )
    return told(statement, event, job_id.replace("job_id", "moved"))


_SAME_ATTEMPT = Job.attempt == bindparam("this_attempt")
_RUNNING = frozenset({JobStatus.RUNNING})
_OVER: dict[str, Any] = {
    "finished_at": _NOW,
    "expires_at": _NOW + bindparam("keep", type_=Interval()),
    "lease_until": null(),
}
# No bind may be called like a column: SQLAlchemy would set that column. Hence `new_` and `this_`.
_ERROR = bindparam("new_error", type_=JSONB(none_as_null=True))


def _claim(job_id: str = "job_id") -> Select[Any]:
    return _move(
        JobStatus.RUNNING,
        "claimed",
        not_(exists().where(PausedQueue.queue == Job.queue)),
        columns=_ALL,
        job_id=job_id,
        attempt=Job.attempt + 1,
        lease_until=_NOW + bindparam("lease", type_=Interval()),
        worker_id=bindparam("new_worker_id", type_=Uuid()),
        pid=bindparam("new_pid"),
        started_at=_NOW,
        progress=null(),
        run_at=null(),
    )


CLAIM = _claim()
SUCCEED = _move(
    JobStatus.SUCCEEDED,
    "succeeded",
    _SAME_ATTEMPT,
    result=bindparam("new_result", type_=JSONB(none_as_null=True)),
    error=null(),
    progress=bindparam("new_progress", type_=JSONB(none_as_null=True)),
    **_OVER,
)
# The end of one job and the claim of the next, each guarded as ever: one round trip and one commit for both. They are
# two rows: a claim finds only what was queued when the statement began, and the job that ends was running then.
_PREPARED_CLAIM = Prepared(CLAIM)
_PREPARED_SUCCEED = Prepared(SUCCEED)
_PREPARED_SUCCEED_AND_CLAIM = Prepared(union_all(SUCCEED, _claim("next_job_id")))
FAIL = _move(JobStatus.FAILED, "failed", _SAME_ATTEMPT, error=_ERROR, **_OVER)
CRASHED_FOR_GOOD = _move(JobStatus.FAILED, "failed", _SAME_ATTEMPT, error=_ERROR, crashes=Job.crashes + 1, **_OVER)
STOPPED = _move(JobStatus.CANCELLED, "cancelled", _SAME_ATTEMPT, leaving=_RUNNING, **_OVER)
RETRY = _move(
    JobStatus.RETRYING,
    "retrying",
    _SAME_ATTEMPT,
    error=_ERROR,
    run_at=_NOW + bindparam("wait", type_=Interval()),
    lease_until=null(),
    published_at=null(),
)
CRASHED = _move(
    JobStatus.RETRYING,
    "crashed",
    _SAME_ATTEMPT,
    error=_ERROR,
    crashes=Job.crashes + 1,
    run_at=_NOW,
    lease_until=null(),
    published_at=null(),
)
HAND_BACK = _move(
    JobStatus.QUEUED,
    "handed_back",
    _SAME_ATTEMPT,
    leaving=_RUNNING,
    handed_back=Job.handed_back + 1,
    queued_at=_NOW,
    lease_until=null(),
    published_at=null(),
)
CANCEL_WAITING = _move(
    JobStatus.CANCELLED,
    "cancelled",
    leaving=leads_to(JobStatus.CANCELLED) - _RUNNING,
    cancel_requested_at=_NOW,
    cancel_reason=bindparam("reason"),
    cancelled_by=bindparam("actor"),
    **_OVER,
)
CANCEL_RUNNING = _move(
    None,
    "cancel_requested",
    Job.cancel_requested_at.is_(None),
    leaving=_RUNNING,
    cancel_requested_at=_NOW,
    cancel_deadline=_NOW + bindparam("grace", type_=Interval()),
    cancel_reason=bindparam("reason"),
    cancelled_by=bindparam("actor"),
)
PROGRESS = (
    update(Job)
    .where(Job.id == bindparam("job_id", type_=Uuid()), Job.status == str(JobStatus.RUNNING), _SAME_ATTEMPT)
    .values(progress=bindparam("new_progress", type_=JSONB(none_as_null=True)), updated_at=_NOW)
    .returning(Job.cancel_requested_at)
)
DUE = told(
    update(Job)
    .where(
        Job.id.in_(
            select(Job.id)
            .where(
                Job.status.in_([str(s) for s in (JobStatus.SCHEDULED, JobStatus.RETRYING)]),
                Job.run_at <= _NOW,
            )
            .order_by(Job.run_at)
            .limit(1000)
            .with_for_update(skip_locked=True)
        )
    )
    .values(
        status=str(JobStatus.QUEUED),
        version=Job.version + 1,
        updated_at=_NOW,
        queued_at=_NOW,
        published_at=null(),
    )
    .returning(*SHOWN),
    "queued",
)


class Lifecycle:
    """The moves, with the board told after each commit."""

    def __init__(
        self,
        db: Database,
        board: Board,
        *,
        lease: timedelta,
        cancel_grace: timedelta,
        crashes_until_poison: int,
    ) -> None:
        self._db = db
        self._board = board
        self._lease = lease
        self._cancel_grace = cancel_grace
        self._crashes_until_poison = crashes_until_poison

    def claim(self, job_id: UUID, *, worker_id: UUID, pid: int, actor: str) -> Job | None:
        """Take the job for this worker, or return None if it is not ours to run."""
        facts = {"new_worker_id": worker_id, "new_pid": pid, "lease": self._lease, "actor": actor}
        return self._run_prepared(_PREPARED_CLAIM, job_id=job_id, **facts)

    def held_by(self, job_id: UUID, *, worker_id: UUID, pid: int) -> Job | None:
        """The job as this very process runs it, if it does."""
        mine = select(*_ALL).where(
            Job.id == job_id, Job.status == str(JobStatus.RUNNING), Job.worker_id == worker_id, Job.pid == pid
        )
        with self._db.connect() as connection:
            return cast("Job | None", connection.execute(mine).first())

    def succeed(
        self,
        job: Job,
        kind: JobKind,
        result: dict[str, Any],
        progress: dict[str, Any] | None,
        *,
        actor: str,
        connection: Connection | None = None,
    ) -> Job | None:
        """Finish well. With a connection the job's own effects commit together with this, or not at all;
        the caller then shows the job once that transaction is through.
        """
        facts = {"new_result": result, "new_progress": progress, "keep": kind.retention.succeeded, "actor": actor}
        if connection is not None:
            return _first(connection, SUCCEED, job_id=job.id, this_attempt=job.attempt, **facts)
        return self._run_prepared(_PREPARED_SUCCEED, job_id=job.id, this_attempt=job.attempt, **facts)

    def succeed_and_claim(
        self,
        job: Job,
        kind: JobKind,
        result: dict[str, Any],
        progress: dict[str, Any] | None,
        next_id: UUID,
        *,
        worker_id: UUID,
        pid: int,
        actor: str,
    ) -> tuple[Job | None, Job | None]:
        """As `succeed`, and as `claim` for another job: what was moved of the one and of the other."""
        facts = {
            "job_id": job.id,
            "this_attempt": job.attempt,
            "new_result": result,
            "new_progress": progress,
            "keep": kind.retention.succeeded,
            "next_job_id": next_id,
            "new_worker_id": worker_id,
            "new_pid": pid,
            "lease": self._lease,
            "actor": actor,
            "detail": None,
        }
        with self._db.connect() as connection:
            rows = [cast("Job", row) for row in _PREPARED_SUCCEED_AND_CLAIM.run(connection, facts)]
        self._board.show(rows)
        moved = {row.id: row for row in rows}
        return moved.get(job.id), moved.get(next_id)

    def fail(self, job: Job, kind: JobKind, error: dict[str, Any], *, actor: str) -> Job | None:
        return self._run(
            FAIL,
            job_id=job.id,
            this_attempt=job.attempt,
            new_error=error,
            keep=kind.retention.failed,
            actor=actor,
            detail=error,
        )

    def fail_or_retry(
        self, job: Job, kind: JobKind, error: dict[str, Any], *, retryable: bool, actor: str
    ) -> Job | None:
        """Try again later while the kind's policy allows it; runs handed back or crashed do not count."""
        failures = job.attempt - job.handed_back - job.crashes
        if not retryable or failures >= job.max_attempts:
            return self.fail(job, kind, error, actor=actor)
        wait = kind.retry.wait_after(failures)
        if error.get("retry_after_seconds"):
            wait = max(wait, timedelta(seconds=error["retry_after_seconds"]))
        return self._run(
            RETRY, job_id=job.id, this_attempt=job.attempt, new_error=error, wait=wait, actor=actor, detail=error
        )

    def stopped(self, job: Job, kind: JobKind | None, *, actor: str, forced: bool = False) -> Job | None:
        """A running job has obeyed its cancellation, or has been made to."""
        keep = kind.retention.cancelled if kind else timedelta(days=7)
        detail = {"forced": forced, "reason": job.cancel_reason}
        return self._run(STOPPED, job_id=job.id, this_attempt=job.attempt, keep=keep, actor=actor, detail=detail)

    def hand_back(self, job_id: UUID, attempt: int, *, actor: str) -> Job | None:
        """Give a job back to its queue because this worker is going away."""
        return self._run(HAND_BACK, job_id=job_id, this_attempt=attempt, actor=actor)

    def crashed(self, job: Job, kind: JobKind | None, why: str, *, actor: str) -> Job | None:
        """The process that ran this attempt is gone: cancel if that was wanted, else run again, but not for ever."""
        if job.cancel_requested_at is not None:
            return self.stopped(job, kind, actor=actor, forced=True)
        crashes = job.crashes + 1
        memory = f"; last seen using {job.peak_memory / 1024**2:,.0f} MB" if job.peak_memory else ""
        if crashes < self._crashes_until_poison:
            error = {"code": "crashed", "message": f"{why}{memory}", "crashes": crashes}
            return self._run(
                CRASHED, job_id=job.id, this_attempt=job.attempt, new_error=error, actor=actor, detail=error
            )
        error = {
            "code": "poison",
            "message": f"the process running this job died {crashes} times, so it is not tried again: {why}{memory}",
            "crashes": crashes,
            "peak_memory_bytes": job.peak_memory,
        }
        keep = kind.retention.failed if kind else timedelta(days=90)
        return self._run(
            CRASHED_FOR_GOOD,
            job_id=job.id,
            this_attempt=job.attempt,
            new_error=error,
            keep=keep,
            actor=actor,
            detail=error,
        )

    def cancel(self, job_id: UUID, kind: JobKind | None, *, reason: str | None, actor: str) -> Job | None:
        """End a waiting job now, or ask a running one to stop; None when it has ended already."""
        keep = kind.retention.cancelled if kind else timedelta(days=7)
        facts = {"job_id": job_id, "reason": reason, "actor": actor, "detail": {"reason": reason}}
        for _ in range(3):  # a job may start or be handed back between the two looks
            ended = self._run(CANCEL_WAITING, keep=keep, **facts)
            if ended is not None:
                return ended
            asked = self._run(CANCEL_RUNNING, grace=self._cancel_grace, **facts)
            if asked is not None:
                self._board.ask_to_stop(job_id)
                return asked
            with self._db.connect() as connection:
                job = find(connection, job_id)
            if job is None or JobStatus(job.status) in FINAL:
                return None
            if job.cancel_requested_at is not None:
                return job
        return None

    def progress(self, job: Job, now_at: dict[str, Any]) -> tuple[bool, bool]:
        """Write progress: (is it still ours, is it wanted that it stops)."""
        with self._db.connect() as connection:
            row = connection.execute(
                PROGRESS, {"job_id": job.id, "this_attempt": job.attempt, "new_progress": now_at}
            ).first()
        return row is not None, row is not None and row[0] is not None

    def queue_due(self, connection: Connection) -> list[Job]:
        """Move scheduled and retrying jobs whose time has come to their queue."""
        rows = connection.execute(DUE, {"actor": "schedule", "detail": None}).all()
        return [cast("Job", row) for row in rows]

    def show(self, *jobs: Job) -> None:
        self._board.show(jobs)

    def _run(self, statement: Select[Any], **facts: Any) -> Job | None:
        with self._db.connect() as connection:
            job = _first(connection, statement, **facts)
        if job is not None:
            self._board.show([job])
        return job

    def _run_prepared(self, statement: Prepared, **facts: Any) -> Job | None:
        with self._db.connect() as connection:
            rows = [cast("Job", row) for row in statement.run(connection, {"detail": None, **facts})]
        self._board.show(rows)
        return rows[0] if rows else None


def _first(connection: Connection, statement: Select[Any], **facts: Any) -> Job | None:
    return cast("Job | None", connection.execute(statement, {"detail": None, **facts}).first())


def find(connection: Connection, job_id: UUID, *, whole: bool = False) -> Job | None:
    """One job as a row; `whole` brings big params along."""
    columns = _ALL if whole else SHOWN
    return cast("Job | None", connection.execute(select(*columns).where(Job.id == job_id)).first())
