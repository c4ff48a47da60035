"""Read jobs: the list, one of them, its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reckoner.desk import Desk, at_desk
from reckoner.exact import dumps
from reckoner.outcome import Exit
from reckoner.printing import JOB_HEADS, clean, console, facts, job_row, print_json, share, status_text, table, took
from reckoner.records import Job, JobStatus

from .completing import complete_job, complete_kind
from .moments import MOMENT

STATUSES = [str(status) for status in JobStatus]


@click.command()
@click.option("--kind", "-k", multiple=True, shell_complete=complete_kind, help="Only this kind; repeat for several.")
@click.option("--status", "-s", multiple=True, type=click.Choice(STATUSES), help="Only this status.")
@click.option("--tag", "-t", multiple=True, help="Only with this tag; with several, all of them.")
@click.option("--owner", help="Only this owner's.")
@click.option("--schedule", help="Only those that this schedule started.")
@click.option("--since", type=MOMENT, help="Made after: a time, or an age such as 90m, 12h or 7d.")
@click.option("--until", type=MOMENT, help="Made before: a time, or an age.")
@click.option("--limit", "-n", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@click.option("--all", "everything", is_flag=True, help="All of them, page after page.")
@at_desk
def jobs(desk: Desk, limit: int, everything: bool, **chosen: Any) -> None:
    """List jobs, newest first. With --json: one job a line."""
    found = desk.reckoner.jobs(limit=None if everything else limit, **filters(**chosen))
    if desk.as_json:
        for job in found:
            print_json_line(job)
        return
    console().print(table(JOB_HEADS, map(job_row, found), empty="no jobs match"))


def filters(**given: Any) -> dict[str, Any]:
    """The filters of the API from the options of a command; what was not given is left out."""
    names = {"since": "created_after", "until": "created_before"}
    return {names.get(name, name): value for name, value in given.items() if value not in ((), None)}


def print_json_line(job: Job) -> None:
    click.echo(dumps(job.document))


@click.command()
@click.argument("job_id", shell_complete=complete_job)
@at_desk
def show(desk: Desk, job_id: str) -> None:
    """One job with everything that is known of it, and why it is not running yet."""
    job = desk.reckoner.job(job_id)
    if desk.as_json:
        print_json(job.document)
    else:
        show_job(job)


def show_job(job: Job) -> None:
    out = console()
    cancelled = f"by {job.cancelled_by}: {job.cancel_reason or 'no reason given'}" if job.cancelled_by else None
    out.print(
        facts(
            [
                ("id", job.id),
                ("kind", job.kind),
                ("status", status_text(job.status)),
                ("why", job.waiting and job.waiting.message),
                ("likely start", job.waiting and job.waiting.estimated_start_at),
                ("progress", share(job)),
                ("message", job.progress and job.progress.message),
                ("error", job.error and f"{job.error.get('code')}: {job.error.get('message')}"),
                ("cancelled", cancelled),
                ("owner", job.owner),
                ("queue", f"{job.queue}, priority {job.priority}"),
                ("attempt", f"{job.attempt} of {job.max_attempts}" if job.attempt else None),
                ("crashes", job.crashes or None),
                ("tags", " ".join(job.tags)),
                ("unique", job.unique_key),
                ("schedule", job.schedule),
                ("origin", job.origin_id),
                ("parent", job.parent_id),
                ("created", job.created_at),
                ("not before", job.run_at),
                ("started", job.started_at),
                ("finished", job.finished_at),
                ("took", took(job)),
                ("expires", job.expires_at),
                ("request", job.request_id),
                ("params", job.params if job.params is not None else "large; see --json and links.params"),
                ("result", _shown_result(job)),
            ]
        )
    )


def _shown_result(job: Job) -> Any:
    if job.status is JobStatus.SUCCEEDED and job.result is None:
        return f"large; see `reckoner result {job.id}`"
    return job.result


@click.command()
@click.argument("job_id", shell_complete=complete_job)
@click.option("--wait", "seconds", type=click.FloatRange(min=0), help="Wait so many seconds for the job to end.")
@click.option("--out", "path", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a file instead.")
@at_desk
def result(desk: Desk, job_id: str, seconds: float | None, path: Path | None) -> int:
    """A job's result as JSON, whatever its size."""
    if seconds is not None:
        desk.reckoner.job(job_id).wait(seconds)
    found = desk.reckoner.result(job_id)
    if path is not None:
        path.write_text(dumps(found, indent=2) + "\n", encoding="utf-8")
        click.echo(f"written to {clean(path)}", err=True)
    else:
        print_json(found)
    return Exit.SUCCEEDED
