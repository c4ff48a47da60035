"""Queues and the workers that serve them: depth, age, pause and resume, who is alive and what they run."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, null, select, update
from sqlalchemy.dialects.postgresql import insert

from api.audit.recording import audited, changing, nothing_changed
from api.auth import needs, sees
from api.jobs.schemas import Reason
from api.platform import current_holder, current_platform
from api.responses import json_response
from core.errors import NotFoundError
from models.api_key import Role
from models.job import Job, JobStatus
from models.worker import PausedQueue, Worker
from tasks.contract import Queue
from workers.housekeeping.survey import survey

queues = APIBlueprint("queues", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Queues", description=__doc__)])

_SILENT_SECONDS = 15


class QueuePath(BaseModel):
    queue: str = Field(description="A queue's name.")


class PauseBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason | None = None


class QueueDocument(BaseModel):
    queue: str
    depth: int
    oldest_age_seconds: float | None
    paused: bool
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    workers: int
    slots: int
    mean_run_seconds: float


class QueueList(BaseModel):
    at: datetime
    queues: list[QueueDocument]
    jobs: dict[str, int]


class WorkerDocument(BaseModel):
    id: UUID
    name: str
    hostname: str
    pid: int
    queues: list[str]
    concurrency: int
    version: str
    status: str
    started_at: datetime
    last_seen_at: datetime
    running: int = Field(description="Jobs it runs, whoever owns them.")
    runs: list[dict[str, Any]] = Field(description="Those of them that you may see.")


class WorkerList(BaseModel):
    data: list[WorkerDocument]


@queues.get("/queues", summary="All queues", responses={200: QueueList})
def list_queues() -> Response:
    with current_platform().db.connect() as connection:
        return json_response(survey(connection))


@queues.post("/queues/<queue>/pause", summary="Start nothing new from a queue", responses={200: QueueList})
@needs(Role.OPERATOR)
@audited("queue.paused", of="queue")
def pause_queue(path: QueuePath, body: PauseBody) -> Response:
    queue = _known(path.queue)
    facts = {"paused_at": func.now(), "paused_by": current_holder().owner, "reason": body.reason}
    with changing() as connection:
        if not connection.execute(insert(PausedQueue).values(queue=queue, **facts).on_conflict_do_nothing()).rowcount:
            nothing_changed()
        return json_response(survey(connection))


@queues.post("/queues/<queue>/resume", summary="Let a paused queue run again", responses={200: QueueList})
@needs(Role.OPERATOR)
@audited("queue.resumed", of="queue")
def resume_queue(path: QueuePath) -> Response:
    queue = _known(path.queue)
    with changing() as connection:
        if not connection.execute(delete(PausedQueue).where(PausedQueue.queue == queue)).rowcount:
            nothing_changed()
        # Messages that were turned away during the pause are gone; housekeeping publishes these jobs again, in order.
        connection.execute(
            update(Job).where(Job.queue == queue, Job.status == str(JobStatus.QUEUED)).values(published_at=null())
        )
        return json_response(survey(connection))


def _known(queue: str) -> str:
    if queue not in set(Queue):
        raise NotFoundError(f"no queue {queue!r}; queues: {', '.join(Queue)}")
    return queue


@queues.get("/workers", summary="Workers and what they run", responses={200: WorkerList})
def list_workers() -> Response:
    columns = [column for column in Worker.__table__.c if column.name != "facts"]
    silent = (func.clock_timestamp() - Worker.last_seen_at) > func.make_interval(0, 0, 0, 0, 0, 0, _SILENT_SECONDS)
    statement = select(*columns, silent.label("silent")).where(Worker.status != "stopped").order_by(Worker.id)
    with current_platform().db.connect() as connection:
        found = [dict(row) for row in connection.execute(statement).mappings()]
        running = connection.execute(
            select(Job.id, Job.kind, Job.owner, Job.attempt, Job.started_at, Job.worker_id, Job.peak_memory).where(
                Job.status == str(JobStatus.RUNNING)
            )
        ).all()
    for worker in found:
        worker["status"] = "silent" if worker.pop("silent") else worker["status"]
        own = [job for job in running if job.worker_id == worker["id"]]
        worker["running"] = len(own)
        worker["runs"] = [
            {"job_id": job.id, "kind": job.kind, "attempt": job.attempt, "started_at": job.started_at}
            | {"peak_memory_bytes": job.peak_memory}
            for job in own
            if sees(job.owner)
        ]
    return json_response({"data": found})
