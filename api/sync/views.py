"""Run a sync and wait for it; if one is running already, that one is waited for."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, Field

from api.idempotency import once
from api.jobs.submitting import accepted, submission, submit_now
from api.platform import current_platform
from api.problem import problem
from api.responses import json_response
from api.waiting import wait_for
from core.clock import iso
from core.errors import NotFoundError
from core.exact_json import loads
from models.job import Job, JobStatus
from tasks.lifecycle import find
from tasks.submission import UniquePolicy

sync = APIBlueprint("sync", __name__, abp_tags=[Tag(name="Sync", description=__doc__)])

_KIND = "sync"


class SyncPath(BaseModel):
    job_id: UUID = Field(description="The job of a sync.")


class SyncDocument(BaseModel):
    message: str
    timestamp: datetime
    items_processed: int
    job_id: UUID


class SyncRunning(BaseModel):
    message: str
    job_id: UUID
    status: JobStatus
    links: dict[str, str]


@sync.post("/sync", summary="Sync now and wait", responses={200: SyncDocument, 202: SyncRunning})
def sync_as_before() -> Response:
    return _submit()


@sync.post("/api/v1/sync", summary="Sync now and wait", responses={200: SyncDocument, 202: SyncRunning})
def sync_now() -> Response:
    """200 when it succeeds in time, 500 when it fails, 202 with Location when it takes longer."""
    return _submit()


def _submit() -> Response:
    wanted = submission(_KIND, {}, unique_policy=UniquePolicy.RETURN_EXISTING)
    response = once(lambda connection: accepted(submit_now(connection, wanted)))
    job_id = response.headers["Location"].rpartition("/")[2]
    wait_for(job_id, current_platform().settings.route_wait.total_seconds(), then=f"/api/v1/sync/{job_id}")
    return _still_running(job_id, str(loads(response.get_data())["status"]))


@sync.get("/api/v1/sync/<job_id>", summary="How a sync ended", responses={200: SyncDocument, 202: SyncRunning})
def sync_outcome(path: SyncPath) -> Response:
    """Anybody may see the outcome: there is one sync for all."""
    with current_platform().db.connect() as connection:
        job = find(connection, path.job_id)
    if job is None or job.kind != _KIND:
        raise NotFoundError(f"no sync {path.job_id}")
    status = JobStatus(job.status)
    if status is JobStatus.SUCCEEDED:
        return json_response(
            {
                "message": "sync completed successfully",
                "timestamp": iso(job.finished_at),
                "items_processed": (job.result or {})["items_processed"],
                "job_id": str(job.id),
            }
        )
    if status.is_final:
        return _failed(job)
    return _still_running(str(job.id), job.status)


def _still_running(job_id: str, status: str) -> Response:
    headers = {"Location": f"/api/v1/sync/{job_id}", "Retry-After": "1"}
    body = {"message": f"sync is {status}", "job_id": job_id, "status": status}
    return json_response(
        {**body, "links": {"self": f"/api/v1/sync/{job_id}", "job": f"/api/v1/jobs/{job_id}"}}, 202, headers
    )


def _failed(job: Job) -> Response:
    error: dict[str, Any] = job.error or {"code": "cancelled", "message": "the sync was cancelled"}
    details = {"job_id": str(job.id), "code": error["code"]}
    return problem(500, "sync_failed", error["message"], error="sync failed", details=details)
