"""Waiting for a job: by holding one request open, or by following its stream over broken connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .exact import loads
from .problems import InvalidRequestError, UnreachableError, WaitTimeoutError
from .records import Event, Job, JobStatus

if TYPE_CHECKING:
    from .sdk import Reckoner

_HOLD_SECONDS = 20.0  # of one long poll: below the patience of usual proxies
# A waiting job is asked about again after so much silence: its place in line moves without events.
_SILENCE_WHILE_WAITING, _SILENCE = 2.0, 20.0
_POLL_SECONDS = 1.0


def until_ended(home: Reckoner, job: Job, timeout: float | None, progress: Callable[[Job], object] | None) -> Job:
    """The job once it has ended; WaitTimeoutError when `timeout` seconds are over first."""
    deadline = None if timeout is None else time.monotonic() + timeout
    if job.is_final:
        if progress is not None:
            progress(job)
        return job
    if progress is None:
        return _by_holding(home, job, deadline, timeout or 0.0)
    for news in follow(home, job.id, 0, deadline):
        if isinstance(news, Job):
            job = news
            progress(job)
        if not job.is_final and _left(deadline, 1.0) <= 0:
            break
    if not job.is_final:
        raise WaitTimeoutError(job, timeout or 0.0)
    return job


def _by_holding(home: Reckoner, job: Job, deadline: float | None, timeout: float) -> Job:
    etag: str | None = None
    holds = True
    while not job.is_final:
        left = _left(deadline, _HOLD_SECONDS)
        if left <= 0:
            raise WaitTimeoutError(job, timeout)
        try:
            newer, etag = home.poll(job.id, etag=etag, wait=left if holds else None)
        except InvalidRequestError:
            if not holds:
                raise
            holds = False  # this platform lets nobody wait for so long
            continue
        job = newer or job
        if not holds and not job.is_final:
            time.sleep(min(_POLL_SECONDS, left))
    return job


def follow(home: Reckoner, job_id: str, after: int = 0, deadline: float | None = None) -> Iterator[Event | Job]:
    """Events after number `after` and newer states of the job, live, until it has ended or the deadline is over.

    A broken stream is taken up where it broke; the last thing yielded is the ended job.
    """
    status: JobStatus | None = None
    while True:
        try:
            for news in _streamed(home, job_id, after, _silence(status, deadline)):
                if isinstance(news, Event):
                    after = news.seq
                else:
                    status = news.status
                yield news
                if status is not None and status.is_final:
                    return
        except UnreachableError:
            pass  # silence, or a broken connection: the next question finds out which, with the client's patience
        job = home.job(job_id)
        if job.is_final:
            yield from home.events(job_id, after=after)
        status = job.status
        yield job
        if job.is_final or _left(deadline, 1.0) <= 0:
            return


def _streamed(home: Reckoner, job_id: str, after: int, silence: float) -> Iterator[Event | Job]:
    """One connection's worth; it ends early when the platform only says that it is still there."""
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
    name, data = "", ""
    for line in home.transport.stream(f"/api/v1/jobs/{job_id}/events", headers=headers, silence=silence):
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data = value
        elif line.startswith(":"):
            return
        elif not line and data:
            document = loads(data)
            yield home.read_job(document) if name == "job" else home.read_event(document)
            name, data = "", ""


def _silence(status: JobStatus | None, deadline: float | None) -> float:
    longest = _SILENCE if status is JobStatus.RUNNING else _SILENCE_WHILE_WAITING
    return max(_left(deadline, longest), 0.05)


def _left(deadline: float | None, most: float) -> float:
    return most if deadline is None else min(most, deadline - time.monotonic())
