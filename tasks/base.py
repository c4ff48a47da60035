"""The only Celery decorator of the house: it turns a thin body into a task that claims, runs and finishes a job."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
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

_HARD_LIMIT_EXTRA = 10  # seconds between asking a body to stop and killing its process
DATABASE_DOWN = (OperationalError, InterfaceError, PoolTimeoutError)
_FINISH_FOR = 600  # seconds a finished body waits for Postgres to take its answer


@dataclass(frozen=True)
class Post:
    """Where a body runs: which worker, and how to tell that it is draining. Set once per child process."""

    runtime: Runtime
    worker_id: UUID
    name: str
    is_draining: Callable[[], bool]


class JobTask(Task[Any, None]):
    """What Celery calls; each child process sets `post` once, before its first job."""

    abstract = True
    post: ClassVar[Post]


def job_task(kind: JobKind) -> Callable[[Callable[[P, JobContext], R]], Any]:
    """Register `body` as the Celery task of this kind. The message carries no arguments: its id is the job's."""

    def decorate(body: Callable[[P, JobContext], R]) -> Any:
        seconds = math.ceil(kind.time_limit.total_seconds())

        @shared_task(
            name=kind.name, base=JobTask, bind=True, soft_time_limit=seconds, time_limit=seconds + _HARD_LIMIT_EXTRA
        )
        def run(task: JobTask) -> None:
            perform(task.post, kind, body, UUID(task.request.id))

        return run

    return decorate


def perform(post: Post, kind: JobKind, body: Callable[[P, JobContext], R], job_id: UUID) -> None:
    """One attempt from claim to finish. A second delivery of the same message claims nothing and ends here."""
    job = _claim(post, job_id)
    if job is None:
        logger.debug("job_not_ours", job_id=str(job_id), kind=kind.name)
        return
    context = JobContext(job, post.runtime, post.is_draining)
    facts = {"job_id": str(job.id), "kind": kind.name, "attempt": job.attempt, "request_id": job.request_id}
    with structlog.contextvars.bound_contextvars(**facts, traceparent=continued(job.traceparent)):
        logger.info("job_started")
        try:
            outcome = _attempt(post, kind, body, job, context)
        except Exception:  # the end could not be told: a living process would be taken for one that still runs the job
            logger.exception("job_abandoned")
            os.kill(os.getpid(), signal.SIGKILL)
            raise
        logger.info("job_ended", outcome=outcome)


def _claim(post: Post, job_id: UUID) -> Job | None:
    """Claim; when the answer got lost with the database, the row says whether the claim was made.

    A claim that nobody knows of would be a job that runs for ever: its process lives, so its lease is extended.
    """
    lifecycle, pid = post.runtime.lifecycle, os.getpid()

    def claim() -> Job | None:
        return lifecycle.claim(job_id, worker_id=post.worker_id, pid=pid, actor=post.name)

    try:
        return claim()
    except DATABASE_DOWN:
        return _when_possible(lambda: lifecycle.held_by(job_id, worker_id=post.worker_id, pid=pid) or claim())


def _attempt(post: Post, kind: JobKind, body: Callable[[P, JobContext], R], job: Job, context: JobContext) -> str:
    """Run the body and make the move its end asks for; answers the name of that move."""
    lifecycle, actor = post.runtime.lifecycle, post.name
    try:
        result = body(kind.params.model_validate(job.params), context)  # type: ignore[arg-type]  # P is the kind's model
        return _succeed(post, kind, job, context, result)
    except StopRequestedError as error:
        context.close_effects(error)
        _when_possible(lambda: lifecycle.stopped(_asked(context, job), kind, actor=actor))
        return "cancelled"
    except HandBackError as error:
        context.close_effects(error)
        _when_possible(lambda: lifecycle.hand_back(job.id, job.attempt, actor=actor))
        return "handed_back"
    except LeaseLostError as error:
        context.close_effects(error)
        return "lease_lost"
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
    return moved.status if moved else "lease_lost"


def _succeed(post: Post, kind: JobKind, job: Job, context: JobContext, result: BaseModel) -> str:
    answer = kind.result.model_validate(result).model_dump(mode="python", by_alias=True)
    _flush(context)
    connection = context.effects_connection
    lifecycle, progress = post.runtime.lifecycle, context.last_progress
    if connection is None:
        moved = _when_possible(lambda: lifecycle.succeed(job, kind, answer, progress, actor=post.name))
        return moved.status if moved else "lease_lost"
    moved = lifecycle.succeed(job, kind, answer, progress, actor=post.name, connection=connection)
    if moved is None:
        raise LeaseLostError
    context.close_effects()
    lifecycle.show(moved)
    return moved.status


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
