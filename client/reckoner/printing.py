"""What people and scripts see: tables and lines, or JSON; nothing that is data reaches the terminal raw."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .exact import dumps
from .records import Job, JobStatus

STYLES = {
    JobStatus.SCHEDULED: "cyan",
    JobStatus.QUEUED: "cyan",
    JobStatus.RUNNING: "blue",
    JobStatus.RETRYING: "yellow",
    JobStatus.SUCCEEDED: "green",
    JobStatus.FAILED: "red",
    JobStatus.CANCELLED: "magenta",
}
_FOLDED = {"tags", "state", "runs", "detail", "what", "name", "queues", "reason", "30 days"}
_WIDE = 500  # a pipe has no width; nothing is cut there
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def console(*, err: bool = False) -> Console:
    stream = sys.stderr if err else sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else _WIDE)


def print_json(value: Any) -> None:
    click.echo(dumps(value, indent=2 if sys.stdout.isatty() else None))


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> Table | Text:
    """Rows under heads; ids stay whole, so that they can be copied."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        drawn.add_column(head, overflow="fold", no_wrap=head not in _FOLDED)
    count = 0
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else Text(clean(cell)) for cell in row))
        count += 1
    return drawn if count else Text(empty, style="dim")


def facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    """Names and values below each other; what is None or empty is left out."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None and value not in ("", (), [], {}):
            drawn.add_row(name, value if isinstance(value, Text) else Text(clean(value)))
    return drawn


def clean(value: Any) -> str:
    """Text without control characters: what a tag or a log line holds must not drive the terminal."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dict | list | tuple):
        value = dumps(value)
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in str(value))


def status_text(status: JobStatus) -> Text:
    return Text(status, style=STYLES[status])


def age(at: datetime | None) -> str:
    """How long ago, in its largest unit."""
    if at is None:
        return ""
    count, unit = span(max((datetime.now(UTC) - at).total_seconds(), 0.0)).split(" ")[:2]
    return f"{count} {unit}"


def span(seconds: float | None) -> str:
    """A duration as people say it."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} m {seconds % _MINUTE:.0f} s"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} m"
    return f"{seconds // _DAY:.0f} d {seconds % _DAY // _HOUR:.0f} h"


def took(job: Job) -> str:
    if job.started_at is None:
        return ""
    return span(((job.finished_at or datetime.now(UTC)) - job.started_at).total_seconds())


JOB_HEADS = ("id", "kind", "status", "age", "took", "tags")


def job_row(job: Job) -> tuple[object, ...]:
    """One line of a list; narrow, so that a terminal of eighty columns holds it with its whole id."""
    so_far = ", ".join(filter(None, (took(job), share(job))))
    return (job.id, job.kind, status_text(job.status), age(job.created_at), so_far, " ".join(job.tags))


def share(job: Job) -> str:
    """How far a job is."""
    progress = job.progress
    if progress is None or job.is_final:
        return ""
    done = f"{progress.done / progress.total:.0%}" if progress.total else f"{progress.done:g}"
    return f"{done} {progress.stage}".strip()
