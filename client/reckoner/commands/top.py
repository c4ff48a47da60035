"""Queues and jobs, live: what runs now, what waits, what ended last."""

from __future__ import annotations

import time

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from reckoner.desk import Desk, at_desk
from reckoner.exact import dumps
from reckoner.printing import JOB_HEADS, STYLES, console, job_row, table
from reckoner.problems import BusyError, UnreachableError
from reckoner.records import Job, JobStatus, Queues
from reckoner.sdk import Reckoner

from .queues import QUEUE_HEADS, queue_row

_LINES_AROUND = 12


@click.command()
@click.option("--every", type=click.FloatRange(min=0.2), default=1.0, show_default=True, help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Look once and end; so does any output that is no terminal.")
@at_desk
def top(desk: Desk, every: float, once: bool) -> None:
    """Queues and jobs, live, until Ctrl-C."""
    out = console()
    if desk.as_json:
        seen, jobs = _look(desk.reckoner, 50)
        click.echo(dumps({"queues": [queue.__dict__ for queue in seen.queues], "jobs": [j.document for j in jobs]}))
    elif once or not out.is_terminal:
        out.print(_drawn(*_look(desk.reckoner, 20)))
    else:
        _live(desk, out, every)


def _live(desk: Desk, out: Console, every: float) -> None:
    picture = _drawn(*_look(desk.reckoner, _room(out)))
    with Live(picture, console=out, screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(every)
                try:
                    picture = _drawn(*_look(desk.reckoner, _room(out)))
                    live.update(picture, refresh=True)
                except (UnreachableError, BusyError) as error:
                    live.update(Group(Text(error.message, style="red"), picture), refresh=True)
        except KeyboardInterrupt:
            return


def _room(out: Console) -> int:
    return max(out.height - _LINES_AROUND, 5)


def _look(reckoner: Reckoner, most: int) -> tuple[Queues, list[Job]]:
    """What is unfinished first, then what ended last, as many as there is room for."""
    unfinished = [status for status in JobStatus if not status.is_final]
    jobs = list(reckoner.jobs(limit=most, status=unfinished))
    jobs.sort(key=lambda job: job.status is not JobStatus.RUNNING)
    if len(jobs) < most:
        jobs += reckoner.jobs(limit=most - len(jobs), status=[status for status in JobStatus if status.is_final])
    return reckoner.queues(), jobs


def _drawn(seen: Queues, jobs: list[Job]) -> RenderableType:
    counts = Text("  ").join(
        Text(f"{seen.jobs[status]} {status}", style=STYLES[status]) for status in JobStatus if seen.jobs.get(status)
    )
    head = Text.assemble((f"{seen.at.astimezone():%H:%M:%S}", "bold"), "  ", counts)
    return Group(
        head,
        "",
        table(QUEUE_HEADS, map(queue_row, seen.queues), empty="no queues"),
        "",
        table(JOB_HEADS, map(job_row, jobs), empty="no jobs"),
    )
