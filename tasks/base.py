"""The only Celery decorator of the house: it turns a thin body into a task that claims, runs and finishes a job."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from celery import Task, shared_task
from pydantic import BaseModel
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from core.errors import MemoryLimitError, PlatformError, UnavailableError
from core.trace import continued
from models.job import Job
from tasks.context import HandBackError, JobContext, LeaseLostError, StopRequestedError
from tasks.contract import JobKind
from tasks.lifecycle import find
from tasks.runtime import Runtime

logger = structlog.get_logger()

P = TypeVar("P", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)

DATABASE_DOWN = (OperationalError, InterfaceError, PoolTimeoutError)
_FINISH_FOR = 600  # seconds a finished body waits for Postgres to take its answer


class Line(Protocol):
    """The jobs behind the one that is run, as far as this process may go on with them by itself."""

    def next_after(self, job: Job) -> UUID | None:
        """Whose turn it is, taken out of the line; None when the next message has to come from Celery."""

    def passed(self, job: Job, *, is_last: bool) -> None:
        """A job of this turn has been run; the last one ends the turn."""


class NoLine:
    """For a run that is not one of a line: a stage, or a message that Celery hands out."""

    def next_after(self, job: Job) -> UUID | None:  # noqa: ARG002  # nobody comes after it
        return None

    def passed(self, job: Job, *, is_last: bool) -> None:
        """Celery tells of it."""


@dataclass(frozen=True)
class Post:
    """Where a body runs: which worker, and what that does for it. Set once per child process."""

    runtime: Runtime
    worker_id: UUID
    name: str
    is_draining: Callable[[], bool]
    # Raises SoftTimeLimitExceeded in a block that takes longer than these seconds.
    within: Callable[[float], AbstractContextManager[None]] = lambda _: nullcontext()
    new_line: Callable[[str], Line] = lambda _: NoLine()  # for the worker of this name


class JobTask(Task[Any, None]):
    """What Celery calls; each child process sets `post` once, before its first job."""

    abstract = True
    post: ClassVar[Post]
    kind: ClassVar[JobKind]
    body: ClassVar[Callable[[Any, JobContext], Any]]


@dataclass(frozen=True)
class _End:
    """How an attempt ended, and the job that was claimed with its end."""

    move: str
    following: Job | None = None


def job_task(kind: JobKind) -> Callable[[Callable[[P, JobContext], R]], Any]:
    """Register `body` as the Celery task of this kind. The message carries no arguments: its id is the job's."""

    def decorate(body: Callable[[P, JobContext], R]) -> Any:
        # Celery's own time limits would count from the message, and one message may stand for several jobs.
        @shared_task(name=kind.name, base=JobTask, bind=True, kind=kind, body=staticmethod(body))
        def run(task: JobTask) -> None:
            work_off(task, UUID(task.request.id))

        return run

    return decorate


def work_off(task: JobTask, job_id: UUID) -> None:
    """Run the job of a message, and go on with the line behind it for as long as that allows."""
    post, line = task.post, task.post.new_line(task.request.hostname or "")
    job = _claim(post, job_id)
    while job is not None:
        its: Any = task.app.tasks[job.kind]
        following = _run(post, its.kind, its.body, job, line)
        line.passed(job, is_last=following is None)
        job = following


def perform(post: Post, kind: JobKind, body: Callable[[P, JobContext], R], job_id: UUID) -> None:
    """One attempt from claim to finish. A second delivery of the same message claims nothing and ends here."""
    job = _claim(post, job_id)
    if job is not None:
        _run(post, kind, body, job, NoLine())


def _run(post: Post, kind: JobKind, body: Callable[[P, JobContext], R], job: Job, line: Line) -> Job | None:
    """One attempt of a claimed job; answers the job that was claimed with its end."""
    context = JobContext(job, post.runtime, post.is_draining)
    facts = {"job_id": str(job.id), "kind": kind.name, "attempt": job.attempt, "request_id": job.request_id}
    with structlog.contextvars.bound_contextvars(**facts, traceparent=continued(job.traceparent)):
        logger.info("job_started")
        try:
            end = _attempt(post, kind, body, job, context, line=line)
        except Exception:  # the end could not be told: a living process would be taken for one that still runs the job
            logger.exception("job_abandoned")
            os.kill(os.getpid(), signal.SIGKILL)
            raise
        logger.info("job_ended", outcome=end.move)
    return end.following


def _claim(post: Post, job_id: UUID) -> Job | None:
    try:
        return _claimed(post, job_id)
    except DATABASE_DOWN:
        return _found_claimed(post, job_id)


def _claimed(post: Post, job_id: UUID) -> Job | None:
    job = post.runtime.lifecycle.claim(job_id, worker_id=post.worker_id, pid=os.getpid(), actor=post.name)
    if job is None:
        logger.debug("job_not_ours", job_id=str(job_id))
    return job


def _found_claimed(post: Post, job_id: UUID) -> Job | None:
    """The claim's answer got lost with the database: the row says whether the claim was made.

    A claim that nobody knows of would be a job that runs for ever: its process lives, so its lease is extended.
    """
    held_by = post.runtime.lifecycle.held_by
    return _when_possible(lambda: held_by(job_id, worker_id=post.worker_id, pid=os.getpid()) or _claimed(post, job_id))


def _attempt(
    post: Post, kind: JobKind, body: Callable[[P, JobContext], R], job: Job, context: JobContext, *, line: Line
) -> _End:
    """Run the body and make the move its end asks for."""
    lifecycle, actor = post.runtime.lifecycle, post.name
    try:
        with post.within(kind.time_limit.total_seconds()):
            result = body(kind.params.model_validate(job.params), context)  # type: ignore[arg-type]  # P is the kind's model
        return _succeed(post, kind, job, context, result, line=line)
    except StopRequestedError as error:
        context.close_effects(error)
        _when_possible(lambda: lifecycle.stopped(_asked(context, job), kind, actor=actor))
        return _End("cancelled")
    except HandBackError as error:
        context.close_effects(error)
        _when_possible(lambda: lifecycle.hand_back(job.id, job.attempt, actor=actor))
        return _End("handed_back")
    except LeaseLostError as error:
        context.close_effects(error)
        return _End("lease_lost")
    except SoftTimeLimitExceeded as error:
        context.close_effects(error)
        message = f"took longer than {kind.name} may ({kind.time_limit.total_seconds():g} s)"
        failure: dict[str, Any] = {"code": "time_limit", "message": message}
        retryable = False
    except PlatformError as error:
        context.close_effects(error)
        failure, retryable = described(error), error.retryable
    except DATABASE_DOWN as error:
        context.close_effects(error)
        failure, retryable = described(UnavailableError("the database went away during the run")), True
    except MemoryError as error:
        context.close_effects(error)
        failure = described(MemoryLimitError("needed more memory than this job may take"))
        retryable = False
    except Exception as error:  # the wrapper's last net: whatever a body raises must end its job
        context.close_effects(error)
        logger.exception("job_raised")
        failure = {"code": "internal", "message": f"{type(error).__name__}: {error}"[:2000]}
        retryable = False
    _flush(context)
    moved = _when_possible(lambda: lifecycle.fail_or_retry(job, kind, failure, retryable=retryable, actor=actor))
    return _End(moved.status if moved else "lease_lost")


def _succeed(post: Post, kind: JobKind, job: Job, context: JobContext, result: BaseModel, *, line: Line) -> _End:
    answer = kind.result.model_validate(result).model_dump(mode="python", by_alias=True)
    _flush(context)
    lifecycle, progress = post.runtime.lifecycle, context.last_progress
    connection = context.effects_connection
    if connection is not None:
        moved = lifecycle.succeed(job, kind, answer, progress, actor=post.name, connection=connection)
        if moved is None:
            raise LeaseLostError
        context.close_effects()
        lifecycle.show(moved)
        next_id = line.next_after(job)
        return _End(moved.status, _claim(post, next_id) if next_id else None)
    next_id = line.next_after(job)
    if next_id is not None:
        return _succeed_and_claim(post, kind, job, next_id, answer=answer, progress=progress)
    moved = _when_possible(lambda: lifecycle.succeed(job, kind, answer, progress, actor=post.name))
    return _End(moved.status if moved else "lease_lost")


def _succeed_and_claim(
    post: Post, kind: JobKind, job: Job, next_id: UUID, *, answer: dict[str, Any], progress: dict[str, Any] | None
) -> _End:
    """The end of this job and the claim of the next in one; each by itself when the answer got lost."""
    lifecycle, actor = post.runtime.lifecycle, post.name
    try:
        moved, following = lifecycle.succeed_and_claim(
            job, kind, answer, progress, next_id, worker_id=post.worker_id, pid=os.getpid(), actor=actor
        )
    except DATABASE_DOWN:
        moved = _when_possible(lambda: lifecycle.succeed(job, kind, answer, progress, actor=actor))
        following = _found_claimed(post, next_id)
    return _End(moved.status if moved else "lease_lost", following)


def described(error: PlatformError) -> dict[str, Any]:
    """An error as the job keeps it; facts a client may see, never a stack."""
    known: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details:
        known["details"] = error.details
    if isinstance(error, UnavailableError):
        known["retry_after_seconds"] = error.retry_after
    return known


def _asked(context: JobContext, job: Job) -> Job:
    """The job with who cancelled it and why, as the row says now."""
    with context.db.connect() as connection:
        return find(connection, job.id) or job


def _flush(context: JobContext) -> None:
    """A log that cannot be written must not cost the answer."""
    try:
        context.log.flush(context.db)
    except DATABASE_DOWN:
        logger.warning("job_log_lost")


def _when_possible(move: Callable[[], Job | None]) -> Job | None:
    """Make a move as soon as Postgres takes it: the work is done, only its record is missing.

    The guard on status and attempt makes it safe to ask again after a commit whose answer was lost: the second try
    moves nothing.
    """
    give_up_at, pause = time.monotonic() + _FINISH_FOR, 0.1
    while True:
        try:
            return move()
        except DATABASE_DOWN:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
