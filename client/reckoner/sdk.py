"""The platform from Python: submit a job, wait for it, read its result; and what operators do."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from . import following
from .exact import loads
from .moving_files import Sending, save
from .problems import JobCancelledError, JobFailedError, StateError
from .records import (
    Artifact,
    AuditEntry,
    BulkAnswer,
    Diagnosis,
    Event,
    File,
    Job,
    JobStatus,
    Key,
    Kind,
    LogLine,
    NewKey,
    Queues,
    Schedule,
    ScheduleRun,
    Worker,
)
from .shapes import shape
from .transport import Transport

_JOBS, _FILES, _SCHEDULES = "/api/v1/jobs", "/api/v1/files", "/api/v1/schedules"
_UPLOAD_SECONDS = 120.0  # a large workbook is looked at before the answer
_HOLD_MARGIN_SECONDS = 15.0


@dataclass(frozen=True)
class Options:
    """How a job is to be run, beside its params."""

    run_at: datetime | None = None
    priority: int | None = None
    tags: tuple[str, ...] = ()
    unique: str | None = None
    unique_policy: str = "reject"  # or return_existing, replace_queued
    idempotency_key: str | None = None  # one is made for each submit; give your own to make it safe over restarts

    def document(self) -> dict[str, Any]:
        facts = {"run_at": self.run_at, "priority": self.priority, "tags": list(self.tags) or None}
        unique = {"key": self.unique, "policy": self.unique_policy} if self.unique is not None else None
        return {name: value for name, value in {**facts, "unique": unique}.items() if value is not None}


_PLAIN = Options()


class Reckoner:
    """A platform at an address: `Reckoner("http://127.0.0.1:8000").submit("two_sum", nums=[...], target=9).wait()`.

    Requests are repeated while that is safe: reading always, submitting under an Idempotency-Key.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        patience: float = 30.0,
        first_patience: float | None = None,
    ) -> None:
        self.transport = Transport(url, key, patience=patience, first_patience=first_patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.transport.close()

    # Jobs

    def submit(self, kind: str, options: Options = _PLAIN, /, **params: Any) -> Job:
        """Ask for a job; answers at once with the job as it was queued.

        A param that is a Path, also one inside another, is uploaded first, and its file's id takes its place.
        """
        body = {"kind": kind, "params": self._uploaded(params), **options.document()}
        return self.read_job(self.transport.post(_JOBS, body, key=options.idempotency_key or str(uuid.uuid4())))

    def job(self, job_id: str) -> Job:
        return self.read_job(self.transport.get(f"{_JOBS}/{job_id}"))

    def poll(self, job_id: str, *, etag: str | None = None, wait: float | None = None) -> tuple[Job | None, str | None]:
        """The job and its ETag; no job if it still is what `etag` names. `wait` holds the answer until it has ended."""
        response = self.transport.send(
            "GET",
            f"{_JOBS}/{job_id}",
            params=None if wait is None else {"wait": f"{wait:.3f}"},
            headers={"If-None-Match": etag} if etag else None,
            timeout=(wait or 0.0) + _HOLD_MARGIN_SECONDS,
        )
        job = self.read_job(loads(response.content)) if response.content else None
        return job, response.headers.get("ETag", etag)

    def wait(
        self,
        job: Job,
        timeout: float | None = None,
        *,
        progress: Callable[[Job], object] | None = None,
        check: bool = True,
    ) -> Job:
        """See Job.wait."""
        ended = following.until_ended(self, job, timeout, progress)
        if ended.status is JobStatus.SUCCEEDED and ended.result is None:
            ended = replace(ended, result=self.result(ended.id))  # too large to come with the job
        if check and ended.status is JobStatus.FAILED:
            raise JobFailedError(ended)
        if check and ended.status is JobStatus.CANCELLED:
            raise JobCancelledError(ended)
        return ended

    def follow(self, job_id: str, *, after: int = 0) -> Iterator[Event | Job]:
        """Events after number `after` and newer states, live, until the job has ended; survives broken connections."""
        return following.follow(self, job_id, after)

    def jobs(self, *, limit: int | None = None, **filters: Any) -> Iterator[Job]:
        """Jobs that match, newest first, page after page.

        Filters: kind, status, tag (each may be a list), owner, schedule, parent_id, created_after, created_before.
        """
        cursor: str | None = None
        while limit is None or limit > 0:
            page, cursor = self.page(cursor=cursor, limit=min(limit or 100, 100), **filters)
            yield from page
            if cursor is None:
                return
            limit = None if limit is None else limit - len(page)

    def page(self, *, cursor: str | None = None, limit: int = 50, **filters: Any) -> tuple[list[Job], str | None]:
        """One page of jobs, and the cursor of the next."""
        wanted = {**_query(filters), "limit": limit, **({"cursor": cursor} if cursor else {})}
        answer = self.transport.get(_JOBS, params=wanted)
        return [self.read_job(document) for document in answer["data"]], answer["next_cursor"]

    def params(self, job_id: str) -> dict[str, Any]:
        """A job's params, whatever their size."""
        params: dict[str, Any] = self.transport.get(f"{_JOBS}/{job_id}/params")
        return params

    def result(self, job_id: str) -> dict[str, Any]:
        """A job's result, whatever its size; StateError while there is none, MissingError once it has expired."""
        result: dict[str, Any] = self.transport.get(f"{_JOBS}/{job_id}/result")
        return result

    def events(self, job_id: str, *, after: int = 0) -> list[Event]:
        answer = self.transport.get(f"{_JOBS}/{job_id}/events", params={"after": after})
        return [self.read_event(document) for document in answer["data"]]

    def logs(self, job_id: str, *, attempt: int | None = None, after: int = 0) -> Iterator[LogLine]:
        """What an attempt logged (the last one by default), page after page."""
        position: int | None = after
        while position is not None:
            wanted = {"after": position, **({"attempt": attempt} if attempt else {})}
            answer = self.transport.get(f"{_JOBS}/{job_id}/logs", params=wanted)
            yield from (shape(LogLine, line) for line in answer["data"])
            position = answer["next_after"]

    def cancel(self, job_id: str, *, reason: str | None = None) -> Job:
        """Ask a job to stop; StateError when it has ended already, unless it ended by being cancelled."""
        try:
            return self.read_job(
                self.transport.post(f"{_JOBS}/{job_id}/cancel", {"reason": reason}, is_repeatable=True)
            )
        except StateError as error:
            if error.details.get("status") != JobStatus.CANCELLED:
                raise
            return self.job(job_id)

    def retry(self, job_id: str, *, params: Mapping[str, Any] | None = None) -> Job:
        """A new job with the same params, or with others."""
        body = {} if params is None else {"params": dict(params)}
        return self.read_job(self.transport.post(f"{_JOBS}/{job_id}/retry", body, key=str(uuid.uuid4())))

    def cancel_all(self, *, reason: str | None = None, dry_run: bool = False, **filters: Any) -> BulkAnswer:
        """Cancel whatever matches (the filters of `jobs`, or ids); `dry_run` only counts."""
        body = {"filter": _query(filters), "reason": reason, "dry_run": dry_run}
        return shape(BulkAnswer, self.transport.post(f"{_JOBS}:cancel", body))

    def retry_all(self, *, dry_run: bool = False, **filters: Any) -> BulkAnswer:
        """Run again whatever matches and has ended; answers the ids of the new jobs."""
        body = {"filter": _query(filters), "dry_run": dry_run}
        return shape(BulkAnswer, self.transport.post(f"{_JOBS}:retry", body))

    # Files

    def upload(
        self, path: str | Path, *, name: str | None = None, progress: Callable[[int, int], object] | None = None
    ) -> File:
        """Upload a file of this machine, piece by piece; `progress` is told bytes sent and bytes in all."""
        path = Path(path)
        with path.open("rb") as stream:
            response = self.transport.send(
                "POST",
                _FILES,
                params={"name": name or path.name},
                data=partial(Sending, stream, progress),
                headers={"Content-Type": "application/octet-stream"},
                timeout=_UPLOAD_SECONDS,
            )
        return shape(File, loads(response.content))

    def file(self, file_id: str) -> File:
        return shape(File, self.transport.get(f"{_FILES}/{file_id}"))

    def files(self, *, limit: int = 50) -> list[File]:
        """Files, newest first."""
        return [shape(File, document) for document in self.transport.get(_FILES, params={"limit": limit})["data"]]

    def delete_file(self, file_id: str) -> None:
        self.transport.delete(f"{_FILES}/{file_id}")

    def artifacts(self, job_id: str) -> list[Artifact]:
        """The files that a job made."""
        return [shape(Artifact, document) for document in self.transport.get(f"{_JOBS}/{job_id}/artifacts")["data"]]

    def download(
        self, job_id: str, name: str, to: str | Path, *, progress: Callable[[int], object] | None = None
    ) -> Path:
        """Save a file that a job made, as `to` or under its own name in the folder `to`; whole and checked, or not."""
        with self.transport.download(f"{_JOBS}/{job_id}/artifacts/{quote(name, safe='')}") as answer:
            target = Path(to) / Path(name).name if Path(to).is_dir() else Path(to)
            save(answer, target, progress)
        return target

    def _uploaded(self, value: Any) -> Any:
        if isinstance(value, Path):
            return self.upload(value).id
        if isinstance(value, Mapping):
            return {name: self._uploaded(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [self._uploaded(part) for part in value]
        return value

    # Kinds, queues, workers

    def kinds(self) -> list[Kind]:
        return [shape(Kind, document) for document in self.transport.get("/api/v1/kinds")["data"]]

    def kind(self, name: str) -> Kind:
        return shape(Kind, self.transport.get(f"/api/v1/kinds/{name}"))

    def estimate(self, kind: str, /, **params: Any) -> dict[str, Any]:
        """What a job with these params would take; nothing is made."""
        body = {"kind": kind, "params": self._uploaded(params)}
        answer: dict[str, Any] = self.transport.post("/api/v1/estimates", body, is_repeatable=True)
        return answer

    def queues(self) -> Queues:
        return shape(Queues, self.transport.get("/api/v1/queues"))

    def pause(self, queue: str, *, reason: str | None = None) -> Queues:
        """Let nothing new start from a queue."""
        return shape(
            Queues, self.transport.post(f"/api/v1/queues/{queue}/pause", {"reason": reason}, is_repeatable=True)
        )

    def resume(self, queue: str) -> Queues:
        return shape(Queues, self.transport.post(f"/api/v1/queues/{queue}/resume", {}, is_repeatable=True))

    def workers(self) -> list[Worker]:
        return [shape(Worker, document) for document in self.transport.get("/api/v1/workers")["data"]]

    # Schedules

    def schedules(self) -> list[Schedule]:
        return [shape(Schedule, document) for document in self.transport.get(_SCHEDULES)["data"]]

    def schedule(self, name: str) -> Schedule:
        return shape(Schedule, self.transport.get(f"{_SCHEDULES}/{name}"))

    def schedule_runs(self, name: str, *, days: int = 30, limit: int = 100) -> list[ScheduleRun]:
        """What became of each due time, newest first."""
        answer = self.transport.get(f"{_SCHEDULES}/{name}/runs", params={"days": days, "limit": limit})
        return [shape(ScheduleRun, document) for document in answer["data"]]

    def run_schedule(self, name: str) -> ScheduleRun:
        """Run it now, whatever its next due time is."""
        return shape(ScheduleRun, self.transport.post(f"{_SCHEDULES}/{name}/run", {}, key=str(uuid.uuid4())))

    def pause_schedule(self, name: str) -> Schedule:
        return shape(Schedule, self.transport.post(f"{_SCHEDULES}/{name}/pause", {}, is_repeatable=True))

    def resume_schedule(self, name: str) -> Schedule:
        return shape(Schedule, self.transport.post(f"{_SCHEDULES}/{name}/resume", {}, is_repeatable=True))

    def backfill_schedule(self, name: str, start: datetime, end: datetime) -> list[ScheduleRun]:
        """Make up for due times from `start` to before `end` that did not run."""
        body = {"start": start, "end": end}
        answer = self.transport.post(f"{_SCHEDULES}/{name}/backfill", body, key=str(uuid.uuid4()))
        return [shape(ScheduleRun, document) for document in answer["data"]]

    # Administration

    def keys(self) -> list[Key]:
        return [shape(Key, document) for document in self.transport.get("/api/v1/keys")["data"]]

    def create_key(self, name: str, *, owner: str, role: str = "submitter") -> NewKey:
        """A new key; its secret is in this answer and nowhere else."""
        return shape(NewKey, self.transport.post("/api/v1/keys", {"name": name, "owner": owner, "role": role}))

    def revoke_key(self, key_id: str) -> None:
        self.transport.delete(f"/api/v1/keys/{key_id}")

    def audit(self, *, limit: int | None = None, **filters: Any) -> Iterator[AuditEntry]:
        """Who did what, newest first, page after page. Filters: actor, action (or several), target, after, before."""
        cursor: str | None = None
        while limit is None or limit > 0:
            wanted = {**_query(filters), "limit": min(limit or 100, 100), **({"cursor": cursor} if cursor else {})}
            answer = self.transport.get("/api/v1/audit", params=wanted)
            yield from (shape(AuditEntry, document) for document in answer["data"])
            cursor = answer["next_cursor"]
            if cursor is None:
                return
            limit = None if limit is None else limit - len(answer["data"])

    def doctor(self) -> Diagnosis:
        """What the platform finds wrong with itself."""
        return shape(Diagnosis, self.transport.get("/api/v1/doctor"))

    # Reading answers

    def read_job(self, document: dict[str, Any]) -> Job:
        return replace(shape(Job, document), _document=document, _client=self)

    def read_event(self, document: dict[str, Any]) -> Event:
        return replace(shape(Event, document), _document=document)


def _query(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Filters as the platform reads them; what is None is not asked for."""
    return {name: _plain(value) for name, value in filters.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple | set | frozenset) else value
