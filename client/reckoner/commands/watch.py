"""Watch a job: its progress drawn for people, one JSON line a state for scripts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from reckoner.desk import Desk, at_desk
from reckoner.outcome import code_of_job
from reckoner.printing import clean, console, print_json, span
from reckoner.problems import JobCancelledError, JobFailedError
from reckoner.records import Job, JobStatus

from .completing import complete_job
from .jobs import print_json_line

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command()
@click.argument("job_id", shell_complete=complete_job)
@click.option("--timeout", type=click.FloatRange(min=0), help="Stop watching after so many seconds (exit code 4).")
@at_desk
def watch(desk: Desk, job_id: str, timeout: float | None) -> int:
    """Watch a job until it has ended, and print its result. The exit code tells the outcome.

    With --json: the job as it was with each change, one a line.
    """
    job = desk.reckoner.job(job_id)
    if desk.as_json:
        return code_of_job(job.wait(timeout, progress=print_json_line, check=False))
    return watch_job(desk, job, timeout)


def watch_job(desk: Desk, job: Job, timeout: float | None) -> int:
    """Follow a job to its end and print what came of it: for scripts the job with its result, whatever its size."""
    try:
        if desk.as_json:
            ended = job.wait(timeout, check=False)
            print_json({**ended.document, "result": ended.result})
        else:
            with _drawn() as draw:
                ended = job.wait(timeout, progress=draw, check=False)
    except KeyboardInterrupt:
        click.echo(f"stopped watching; the job goes on: reckoner watch {job.id}", err=True)
        return 130
    if not desk.as_json:
        _print_outcome(ended)
    return code_of_job(ended)


def _print_outcome(job: Job) -> None:
    if job.status is JobStatus.SUCCEEDED:
        print_json(job.result)
    elif job.status is JobStatus.FAILED:
        click.echo(f"reckoner: {clean(JobFailedError(job).message)}", err=True)
        click.echo(f"More: reckoner logs {job.id}; run it again: reckoner retry {job.id}", err=True)
    else:
        click.echo(f"reckoner: {clean(JobCancelledError(job).message)}", err=True)


@contextmanager
def _drawn() -> Iterator[Callable[[Job], None]]:
    """A progress bar at a terminal, else a line for each change of state, on standard error."""
    screen = console(err=True)
    if not screen.is_terminal:
        yield _line_by_line()
        return

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[said]}", markup=False),
    )
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=screen, transient=True) as bar:
        shown = bar.add_task("", total=None, said="")

        def draw(job: Job) -> None:
            progress = job.progress
            done, total = (progress.done, progress.total) if progress else (0.0, None)
            bar.update(shown, description=f"{job.kind} {job.status}", completed=done, total=total, said=_said(job))

        yield draw


def _said(job: Job) -> str:
    if job.waiting is not None:
        wait = job.waiting.estimated_wait_seconds
        return clean(job.waiting.message) + (f", about {span(wait)}" if wait else "")
    progress = job.progress
    return clean(" ".join(filter(None, (progress.stage, progress.message)))) if progress else ""


def _line_by_line() -> Callable[[Job], None]:
    last: list[str] = []

    def draw(job: Job) -> None:
        line = f"{job.id} {job.kind} {job.status}" + (f": {_said(job)}" if _said(job) else "")
        if last != [line]:
            click.echo(line, err=True)
        last[:] = [line]

    return draw
