"""What clients see of a job while Redis is up: its document, ready to send, one key a job.

Postgres stays the truth. A document carries a stamp made from the job's version, so that a slow writer can never put
an older state over a newer one; and it lives only as long as somebody would notice if it were stale.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import redis
import structlog

from core.clock import iso
from core.exact_json import dumps
from models.job import Job, JobStatus
from tasks import tally

logger = structlog.get_logger()

PREFIX = "reckoner:"
_INLINE_RESULT_BYTES = 64 * 1024
_STAMP_DIGITS = 16
_TICKS = 1_000_000  # progress writes that fit between two versions

# For each key but the last its mark, value, life and counts. A write is refused when what is there is newer; increments
# belong to the move and happen only with it.
# Sent whole each time: a registered script asks first whether Redis still has it, which is a second round trip.
_SHOW = """
local at = 1
for place = 1, #KEYS - 1 do
  local key, mark, counts = KEYS[place], ARGV[at], at + 4
  at = counts + ARGV[at + 3]
  local there = redis.call('GETRANGE', key, 0, 15)
  if there == '' or there < mark then
    redis.call('SET', key, ARGV[counts - 3], 'PX', ARGV[counts - 2])
    redis.call('PUBLISH', key, mark)
    for i = counts, at - 1, 2 do redis.call('HINCRBY', KEYS[#KEYS], ARGV[i], ARGV[i + 1]) end
  end
end
"""
_AT_ONCE = 200  # jobs in one run of it: Redis serves nobody else meanwhile


@dataclass(frozen=True)
class Shown:
    """One job as Redis has it."""

    stamp: str
    owner: str
    status: JobStatus
    queue: str
    body: bytes


def document(job: Job) -> dict[str, Any]:
    """The public form of a job."""
    me = f"/api/v1/jobs/{job.id}"
    return {
        "id": str(job.id),
        "kind": job.kind,
        "status": job.status,
        "queue": job.queue,
        "priority": job.priority,
        "owner": job.owner,
        "tags": job.tags,
        "params": job.params,
        "progress": job.progress,
        "result": job.result,
        "error": job.error,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "crashes": job.crashes,
        "created_at": iso(job.created_at),
        "run_at": iso(job.run_at),
        "queued_at": iso(job.queued_at),
        "started_at": iso(job.started_at),
        "finished_at": iso(job.finished_at),
        "expires_at": iso(job.expires_at),
        "cancel_requested_at": iso(job.cancel_requested_at),
        "cancel_reason": job.cancel_reason,
        "cancelled_by": job.cancelled_by,
        "unique_key": job.unique_key.partition("/")[2] if job.unique_key else None,
        "origin_id": str(job.origin_id) if job.origin_id else None,
        "parent_id": str(job.parent_id) if job.parent_id else None,
        "schedule": job.schedule,
        "request_id": job.request_id,
        "traceparent": job.traceparent,
        "version": job.version,
        "links": {
            "self": me,
            "params": f"{me}/params",
            "result": f"{me}/result",
            "events": f"{me}/events",
            "logs": f"{me}/logs",
        },
    }


def public_body(job: Job) -> bytes:
    """The document as bytes; a big result is left to its own address."""
    shown = document(job)
    body = dumps(shown)
    if job.result is not None and len(body) > _INLINE_RESULT_BYTES:
        body = dumps({**shown, "result": None})
    return body


def stamp(job: Job, tick: int = 0) -> str:
    return f"{job.version * _TICKS + min(tick, _TICKS - 1):0{_STAMP_DIGITS}d}"


def key_of(job_id: UUID | str) -> str:
    return f"{PREFIX}job:{job_id}"


def _lifetime(status: JobStatus) -> timedelta:
    """Final states never change; a running job's is renewed by its ticks; a waiting job's is read again each minute."""
    if status.is_final:
        return timedelta(hours=1)
    return timedelta(seconds=20) if status is JobStatus.RUNNING else timedelta(minutes=1)


class Board:
    """Reads and writes documents; when Redis is away it says so at once and lets Postgres answer."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._away_until = 0.0

    @property
    def is_away(self) -> bool:
        return time.monotonic() < self._away_until

    def _went_away(self, error: Exception) -> None:
        if not self.is_away:
            logger.warning("board_away", error=str(error))
        # One second without tries: with Redis gone, a poll must not pay a connection time-out each time.
        self._away_until = time.monotonic() + 1

    def show(self, jobs: Sequence[Job]) -> None:
        """Put these states up, unless newer ones are there."""
        for start in range(0, len(jobs), _AT_ONCE):
            some = jobs[start : start + _AT_ONCE]
            self._write(
                [key_of(job.id) for job in some],
                [field for job in some for field in self._entry(job, stamp(job), public_body(job), tally.of_move(job))],
            )

    def _entry(self, job: Job, mark: str, body: bytes, counts: Sequence[str | int]) -> tuple[str | bytes | int, ...]:
        """What the script is told of one job."""
        life = _lifetime(JobStatus(job.status)) // timedelta(milliseconds=1)
        framed = f"{mark}\t{job.status}\t{job.queue}\t{job.owner}\n".encode() + body
        return mark, framed, life, len(counts), *counts

    def show_progress(self, job: Job, body: bytes, tick: int) -> bool:
        """Put up a running job's progress; answers whether it was asked to stop."""
        if self.is_away:
            return False
        entry = self._entry(job, stamp(job, tick), body, ())
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.eval(_SHOW, 2, key_of(job.id), tally.KEY, *entry)
                pipe.exists(f"{PREFIX}stop:{job.id}")
                return bool(pipe.execute()[-1])
        except redis.RedisError as error:
            self._went_away(error)
            return False

    def _write(self, keys: Sequence[str], facts: Sequence[str | bytes | int]) -> None:
        if self.is_away:
            return
        try:
            self._redis.eval(_SHOW, len(keys) + 1, *keys, tally.KEY, *facts)
        except redis.RedisError as error:
            self._went_away(error)

    def read(self, job_id: UUID | str) -> Shown | None:
        """The document, or None when Redis has none or is away."""
        return self.read_many([job_id])[0]

    def read_many(self, job_ids: Sequence[UUID | str]) -> list[Shown | None]:
        if self.is_away or not job_ids:
            return [None] * len(job_ids)
        try:
            values = cast("list[bytes | None]", self._redis.mget([key_of(job_id) for job_id in job_ids]))
        except redis.RedisError as error:
            self._went_away(error)
            return [None] * len(job_ids)
        return [parse(value) for value in values]

    def ask_to_stop(self, job_id: UUID) -> None:
        """A short cut to the running body; the row in Postgres says the same, and is read every few seconds."""
        if self.is_away:
            return
        try:
            self._redis.set(f"{PREFIX}stop:{job_id}", 1, ex=3600)
        except redis.RedisError as error:
            self._went_away(error)


def parse(value: bytes | None) -> Shown | None:
    if value is None:
        return None
    head, _, body = value.partition(b"\n")
    mark, status, queue, owner = head.decode().split("\t")
    return Shown(mark, owner, JobStatus(status), queue, body)
