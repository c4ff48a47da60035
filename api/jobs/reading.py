"""Reading one job: from Redis when it can be, from Postgres when not, and why it is not running yet."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, request
from redis.exceptions import RedisError

from api.auth import sees
from api.platform import Platform, current_platform
from core.clock import iso, now
from core.errors import NotFoundError
from core.exact_json import dumps
from models.job import Job, JobStatus
from tasks.board import public_body, stamp
from tasks.lifecycle import find
from workers.housekeeping.survey import KEY as SURVEY_KEY

_SHORT, _LONG = 1, 30


@dataclass(frozen=True)
class Read:
    body: bytes
    etag: str
    status: JobStatus
    owner: str


def fetch_job(job_id: UUID, *, whole: bool = False) -> Job:
    """The row, if this client may see it."""
    with current_platform().db.connect() as connection:
        job = find(connection, job_id, whole=whole)
    if job is None or not sees(job.owner):
        raise NotFoundError(f"no job {job_id}")
    return job


def read(job_id: UUID) -> Read:
    """The document as bytes; while Redis is up this costs no query."""
    platform = current_platform()
    shown = platform.board.read(job_id)
    if shown is not None:
        if not sees(shown.owner):
            raise NotFoundError(f"no job {job_id}")
        mark, body, status, queue, owner = shown.stamp, shown.body, shown.status, shown.queue, shown.owner
    else:
        job = fetch_job(job_id)
        platform.lifecycle.show(job)
        mark, body, status = stamp(job), public_body(job), JobStatus(job.status)
        queue, owner = job.queue, job.owner
    etag = f'"{mark}"'
    if status.is_waiting:
        why = dumps(why_waiting(platform, str(job_id), status, queue))
        body = body[:-1] + b',"waiting":' + why + b"}"
        etag = f'"{mark}-{zlib.crc32(why):08x}"'
    return Read(body, etag, status, owner)


def job_response(job_id: UUID, status: int = 200) -> Response:
    """The job with its ETag, or 304, and an honest Retry-After while it is not over."""
    seen = read(job_id)
    headers = {"ETag": seen.etag, "Cache-Control": "private, no-cache"}
    if not seen.status.is_final:
        headers["Retry-After"] = str(retry_after(seen))
    if status == 200 and request.headers.get("If-None-Match") == seen.etag:  # noqa: PLR2004
        return Response(status=304, headers=headers)
    return Response(seen.body, status, headers, content_type="application/json")


def retry_after(seen: Read) -> int:
    """When asking again may show something new: soon for what runs, later for what stands far back in line."""
    if not seen.status.is_waiting:
        return _SHORT
    waiting = json.loads(seen.body)["waiting"]
    seconds = waiting.get("estimated_wait_seconds")
    return _SHORT if seconds is None else max(_SHORT, min(_LONG, round(seconds)))


def why_waiting(platform: Platform, job_id: str, status: JobStatus, queue: str) -> dict[str, Any]:
    """Why a job is not running, its place in the queue, and about when it will start."""
    if status is JobStatus.SCHEDULED:
        return {"reason": "scheduled", "message": "its time has not come yet; see run_at"}
    if status is JobStatus.RETRYING:
        return {"reason": "retrying", "message": "the last attempt failed; the next one is at run_at; see error"}
    seen = survey_of(platform, queue)
    if seen is None:
        return {"reason": "unknown", "message": "no worker has looked at the queues lately"}
    position = _position(platform, queue, job_id)
    facts: dict[str, Any] = {"position": position, "queue_depth": seen["depth"]}
    if seen["paused"]:
        return {"reason": "queue_paused", "message": f"queue {queue} is paused by {seen['paused_by']}", **facts}
    if not seen["workers"]:
        return {"reason": "no_worker", "message": f"no live worker serves queue {queue}", **facts}
    ahead = position - 1 if position else 0
    wait = ahead * seen["mean_run_seconds"] / max(seen["slots"], 1)
    return {
        "reason": "in_line",
        "message": f"number {position} in line" if position else "about to start",
        **facts,
        "estimated_wait_seconds": round(wait, 1),
        "estimated_start_at": iso((now() + timedelta(seconds=wait)).replace(microsecond=0)),
    }


def survey_of(platform: Platform, queue: str) -> dict[str, Any] | None:
    if platform.board.is_away:
        return None
    try:
        value: Any = platform.redis.get(SURVEY_KEY)
    except RedisError:
        return None
    if value is None:
        return None
    return next((seen for seen in json.loads(value)["queues"] if seen["queue"] == queue), None)


def _position(platform: Platform, queue: str, job_id: str) -> int | None:
    try:
        place: Any = platform.redis.zscore(f"{SURVEY_KEY}:{queue}", job_id)
    except RedisError:
        return None
    return int(place) if place is not None else None
