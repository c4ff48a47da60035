"""What the front reads of a job while somebody waits for it or follows it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from api.jobs.events import event_document, events_after
from api.platform import Platform
from core.exact_json import dumps
from models.job import FINAL, Job, JobStatus
from tasks.board import Shown
from tasks.lifecycle import find


@dataclass(frozen=True)
class Snapshot:
    stamp: str
    is_final: bool


@dataclass(frozen=True)
class News:
    """The next piece of a stream, and where it leaves the reader."""

    data: bytes
    after: int
    shown: str
    is_over: bool


def look(platform: Platform, job_id: str) -> Snapshot | None:
    """Where a job stands: from Redis when it can be, from Postgres when not; None when there is no such job."""
    shown = platform.board.read(job_id)
    if shown is not None:
        return Snapshot(shown.stamp, shown.status.is_final)
    try:
        with platform.db.connect() as connection:
            job = find(connection, UUID(job_id))
    except OperationalError:
        return Snapshot("", is_final=False)  # both are away: keep waiting, that is what was asked for
    if job is None:
        return None
    platform.lifecycle.show(job)
    return Snapshot("", is_final=JobStatus(job.status) in FINAL)


def sse(platform: Platform, job_id: str, after: int, shown: str) -> News:
    """Events since `after`, and the progress document when it is newer than what was shown."""
    on_board = platform.board.read(job_id)
    newest = int(on_board.stamp) // 1_000_000 if on_board else None
    pieces: list[bytes] = []
    is_over = False
    if newest is None or newest > after:
        try:
            with platform.db.connect() as connection:
                events = events_after(connection, UUID(job_id), after)
                if newest is None:
                    status = connection.execute(select(Job.status).where(Job.id == UUID(job_id))).scalar()
                    is_over = status is None or JobStatus(status) in FINAL
        except OperationalError:
            return News(b"", after, shown, is_over=False)
        for event in events:
            pieces.append(_framed(event.event, dumps(event_document(event)), event.seq))
            after = event.seq
            is_over = is_over or JobStatus(event.status) in FINAL
    elif on_board is not None and on_board.status.is_final:
        is_over = True
    if on_board is not None and on_board.stamp != shown:
        shown = on_board.stamp
        pieces.append(_framed("job", _one_line(on_board), None))
    return News(b"".join(pieces), after, shown, is_over)


def _one_line(shown: Shown) -> bytes:
    return shown.body.replace(b"\n", b" ")


def _framed(name: str, data: bytes, seq: int | None) -> bytes:
    head = f"id: {seq}\n" if seq is not None else ""
    return f"{head}event: {name}\ndata: ".encode() + data + b"\n\n"
