"""Jobs: submit, read, list, follow, cancel, retry."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from flask import Response, request
from flask_openapi import APIBlueprint, Tag
from sqlalchemy import Connection, func, select

from api.audit.recording import audited, note, nothing_changed
from api.auth import needs
from api.idempotency import Answer, once
from api.jobs import schemas
from api.jobs.events import event_document, events_after
from api.jobs.reading import fetch_job, job_response
from api.jobs.selection import chosen, page
from api.jobs.submitting import Asking, accepted, bounded_wait, submission, submit_now, wait_as_preferred
from api.platform import current_holder, current_platform
from api.responses import ANY_OBJECT, json_response
from api.waiting import WAITED, stream_events, wait_for
from core.clock import iso, now
from core.errors import ConflictError, GoneError, InvalidInputError
from core.exact_json import dumps
from models.api_key import Role
from models.job import FINAL, Job, JobStatus
from models.job_log import JobLog
from tasks.board import document
from tasks.submission import Submission, submit_many

jobs = APIBlueprint("jobs", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Jobs", description=__doc__)])

_BULK_AT_ONCE = 1000


@jobs.post("/jobs", summary="Submit a job", responses={202: schemas.JobDocument, 200: schemas.JobDocument})
def submit_job(body: schemas.SubmitBody) -> Response:
    """Answers 202 with Location at once; with `Prefer: wait=N`, 200 with the ended job if it ends in time."""
    wanted = submission(
        body.kind,
        body.params,
        priority=body.priority,
        tags=tuple(body.tags),
        run_at=body.run_at,
        **({"unique": body.unique.key, "unique_policy": body.unique.policy} if body.unique else {}),
    )
    return _submitted(wanted)


def _submitted(wanted: Submission) -> Response:
    response = once(lambda connection: accepted(submit_now(connection, wanted)))
    wait_as_preferred(response.headers["Location"].rpartition("/")[2])
    return response


@jobs.post("/jobs:batch", summary="Submit many jobs at once", responses={202: schemas.BatchAnswer})
def submit_jobs(body: schemas.BatchBody) -> Response:
    """What can be accepted is, in one transaction; what cannot is named at its place. 422 when nothing can."""
    asking = Asking.now()
    items = [asking.item(item) for item in body.jobs]
    wanted = [item for item in items if isinstance(item, Submission)]
    if not wanted:
        first = next(item for item in items if not isinstance(item, Submission))
        raise InvalidInputError(f"none of the {len(items)} jobs can be accepted; the first: {first['error']}")

    def make(connection: Connection) -> Answer:
        submit_many(connection, wanted)
        told = [{"id": item.id} if isinstance(item, Submission) else item for item in items]
        document = {"accepted": len(wanted), "refused": len(items) - len(wanted), "jobs": told}
        return Answer(202, dumps(document))

    return once(make)


@jobs.get("/jobs", summary="List jobs, newest first", responses={200: schemas.JobList})
def list_jobs(query: schemas.ListQuery) -> Response:
    with current_platform().db.connect() as connection:
        rows = [cast("Job", row) for row in connection.execute(page(query)).all()]
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    cursor = str(rows[-1].id) if more else None
    return json_response({"data": [document(row) for row in rows], "next_cursor": cursor})


@jobs.get("/jobs/<job_id>", summary="One job", responses={200: schemas.JobDocument, 304: None})
def get_job(path: schemas.JobPath, query: schemas.JobQuery) -> Response:
    """`?wait=N` holds the answer until the job has ended or N seconds are over. ETag and 304 make polling cheap."""
    seconds = bounded_wait(query.wait)  # refused whatever the job's state
    response = job_response(path.job_id)
    # A submit that preferred to wait is answered from here: 202 says that the time was up first.
    if request.args.get("preferred") and request.environ.get(WAITED) and "Retry-After" in response.headers:
        response.status_code = 202
        response.headers["Location"] = f"/api/v1/jobs/{path.job_id}"
    if "Retry-After" in response.headers:
        wait_for(str(path.job_id), seconds, then=f"/api/v1/jobs/{path.job_id}")
    return response


@jobs.get("/jobs/<job_id>/params", summary="A job's params, whatever their size", responses={200: ANY_OBJECT})
def get_params(path: schemas.JobPath) -> Response:
    return json_response(fetch_job(path.job_id, whole=True).params)


@jobs.get("/jobs/<job_id>/result", summary="A job's result, whatever its size", responses={200: ANY_OBJECT})
def get_result(path: schemas.JobPath, query: schemas.JobQuery) -> Response:
    """409 with the state while there is none, 410 once it has expired."""
    seconds = bounded_wait(query.wait)
    job = fetch_job(path.job_id)
    status = JobStatus(job.status)
    if status is JobStatus.SUCCEEDED and job.expires_at is not None and (job.purged_at or job.expires_at <= now()):
        raise GoneError(f"the result of job {job.id} expired at {iso(job.expires_at)}", expired_at=iso(job.expires_at))
    if status is JobStatus.SUCCEEDED:
        return json_response(job.result)
    if status not in FINAL:
        wait_for(str(job.id), seconds, then=f"/api/v1/jobs/{job.id}/result")
    raise ConflictError(f"job {job.id} is {status}, so it has no result", status=str(status), job_error=job.error)


@jobs.get(
    "/jobs/<job_id>/events", summary="A job's timeline, or a live stream of it", responses={200: schemas.EventList}
)
def get_events(path: schemas.JobPath, query: schemas.EventQuery) -> Response:
    """With `Accept: text/event-stream` the events follow live; `Last-Event-ID` continues a broken stream."""
    job = fetch_job(path.job_id)
    if "text/event-stream" in request.headers.get("Accept", ""):
        last = request.headers.get("Last-Event-ID", "")
        stream_events(str(job.id), int(last) if last.isdecimal() and len(last) < 10 else query.after)  # noqa: PLR2004
        return Response(status=200, headers={"Cache-Control": "no-store"})
    with current_platform().db.connect() as connection:
        events = events_after(connection, job.id, query.after)
    return json_response({"data": [event_document(event) for event in events]})


@jobs.get("/jobs/<job_id>/logs", summary="What the job's attempts logged", responses={200: schemas.LogList})
def get_logs(path: schemas.JobPath, query: schemas.LogQuery) -> Response:
    job = fetch_job(path.job_id)
    attempt = query.attempt or job.attempt
    columns = [column for column in JobLog.__table__.c if column.name != "job_id"]
    statement = (
        select(*columns)
        .where(JobLog.job_id == job.id, JobLog.attempt == attempt, JobLog.line > query.after)
        .order_by(JobLog.line)
        .limit(query.limit)
    )
    with current_platform().db.connect() as connection:
        lines = [dict(row) for row in connection.execute(statement).mappings()]
    cursor = lines[-1]["line"] if len(lines) == query.limit else None
    return json_response({"data": lines, "next_after": cursor})


@jobs.post(
    "/jobs/<job_id>/cancel", summary="Cancel a job", responses={200: schemas.JobDocument, 202: schemas.JobDocument}
)
def cancel_job(path: schemas.JobPath, body: schemas.CancelBody) -> Response:
    """A waiting job ends at once (200); a running one is asked to stop (202) and is killed if it does not."""
    job = fetch_job(path.job_id)
    return json_response(*_cancelled(job, body.reason))


def _cancelled(job: Job, reason: str | None) -> tuple[dict[str, Any], int]:
    platform = current_platform()
    kind = platform.registry.get(job.kind)
    moved = platform.lifecycle.cancel(job.id, kind, reason=reason, actor=current_holder().owner)
    if moved is None:
        status = fetch_job(job.id).status
        raise ConflictError(f"job {job.id} is {status} already", status=status)
    return document(moved), 200 if JobStatus(moved.status) in FINAL else 202


@jobs.post("/jobs/<job_id>/retry", summary="Run a job again as a new one", responses={202: schemas.JobDocument})
def retry_job(path: schemas.JobPath, body: schemas.RetryBody) -> Response:
    """A new job that names this one as its origin, with the same params or edited ones."""
    job = fetch_job(path.job_id, whole=True)
    return _submitted(_repeated(job, body.params))


def _repeated(job: Job, params: dict[str, Any] | None) -> Submission:
    if JobStatus(job.status) not in FINAL:
        raise ConflictError(
            f"job {job.id} is {job.status}; only a job that has ended can be run again", status=job.status
        )
    if job.purged_at is not None:
        raise GoneError(f"job {job.id} expired at {iso(job.expires_at)}, and its params with it")
    chosen_params = job.params if params is None else params
    return submission(job.kind, chosen_params, priority=job.priority, tags=tuple(job.tags), origin_id=job.id)


@jobs.post("/jobs:cancel", summary="Cancel all jobs that match", responses={200: schemas.BulkAnswer})
@needs(Role.SUBMITTER)
@audited("jobs.cancelled")
def cancel_jobs(body: schemas.BulkBody) -> Response:
    """Up to 1,000 at a time, oldest first; `dry_run` only counts."""
    open_statuses = [str(status) for status in JobStatus if status not in FINAL]

    def cancel(job: Job) -> UUID | None:
        platform = current_platform()
        kind = platform.registry.get(job.kind)
        moved = platform.lifecycle.cancel(job.id, kind, reason=body.reason, actor=current_holder().owner)
        return moved.id if moved else None

    return _bulk(body, open_statuses, cancel)


@jobs.post("/jobs:retry", summary="Run all ended jobs that match again", responses={200: schemas.BulkAnswer})
@audited("jobs.retried")
def retry_jobs(body: schemas.BulkBody) -> Response:
    """Up to 1,000 at a time, oldest first; `dry_run` only counts. Answers the ids of the new jobs."""

    def retry(job: Job) -> UUID | None:
        with current_platform().db.connect() as connection:
            return submit_now(connection, _repeated(fetch_job(job.id, whole=True), None)).job.id

    return _bulk(body, [str(status) for status in FINAL], retry)


def _bulk(body: schemas.BulkBody, statuses: list[str], act: Any) -> Response:
    wanted = [*chosen(body.filter), Job.status.in_(statuses), Job.purged_at.is_(None)]
    with current_platform().db.connect() as connection:
        matched = connection.execute(select(func.count()).select_from(Job).where(*wanted)).scalar_one()
        statement = select(Job.id, Job.kind).where(*wanted).order_by(Job.id).limit(0 if body.dry_run else _BULK_AT_ONCE)
        rows = [cast("Job", row) for row in connection.execute(statement).all()]
    acted: list[UUID] = []
    for row in rows:
        try:
            done = act(row)
        except ConflictError:
            continue  # it moved meanwhile; the count says so
        if done is not None:
            acted.append(done)
    note(matched=matched, acted=len(acted))
    if not acted:
        nothing_changed()
    return json_response({"matched": matched, "acted": len(acted), "dry_run": body.dry_run, "job_ids": acted})
