"""What happened to a job, and what it said."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.text import Text

from reckoner.desk import Desk, at_desk
from reckoner.exact import dumps
from reckoner.outcome import Exit, code_of_job
from reckoner.printing import clean, console, print_json, status_text, table
from reckoner.records import Event, LogLine

from .completing import complete_job

_LEVELS = {"debug": "dim", "info": "", "warning": "yellow", "error": "red", "critical": "red"}
_HEADS = ("seq", "at", "event", "status", "attempt", "by", "detail")


@click.command()
@click.argument("job_id", shell_complete=complete_job)
@click.option("--follow", "-f", is_flag=True, help="Stay, and print events as they happen, until the job has ended.")
@at_desk
def events(desk: Desk, job_id: str, follow: bool) -> int:
    """A job's timeline: every move with who and why."""
    if follow:
        return _follow(desk, job_id)
    found = desk.reckoner.events(job_id)
    if desk.as_json:
        print_json([event.document for event in found])
    else:
        console().print(table(_HEADS, map(_row, found), empty="no events"))
    return Exit.SUCCEEDED


def _follow(desk: Desk, job_id: str) -> int:
    out = console()
    code = int(Exit.SUCCEEDED)
    for news in desk.reckoner.follow(job_id):
        if not isinstance(news, Event):
            code = code_of_job(news)
        elif desk.as_json:
            click.echo(dumps(news.document))
        else:
            out.print(Text("  ").join(part if isinstance(part, Text) else Text(clean(part)) for part in _row(news)))
    return code


def _row(event: Event) -> tuple[object, ...]:
    return (
        event.seq,
        event.at,
        event.event,
        status_text(event.status),
        event.attempt or "",
        event.actor,
        event.detail or "",
    )


@click.command()
@click.argument("job_id", shell_complete=complete_job)
@click.option("--attempt", type=click.IntRange(min=1), help="Of this attempt; the last one by default.")
@at_desk
def logs(desk: Desk, job_id: str, attempt: int | None) -> None:
    """What a job's attempt logged. With --json: one line of log a line."""
    out = console()
    nothing = True
    for line in desk.reckoner.logs(job_id, attempt=attempt):
        nothing = False
        if desk.as_json:
            click.echo(dumps(asdict(line)))
        else:
            out.print(_drawn(line))
    if nothing and not desk.as_json:
        click.echo("this attempt has logged nothing", err=True)


def _drawn(line: LogLine) -> Text:
    fields = " ".join(f"{name}={clean(value)}" for name, value in (line.fields or {}).items())
    style = _LEVELS.get(line.level, "")
    return Text.assemble(
        (clean(line.at), "dim"), " ", (f"{line.level:8}", style), " ", clean(line.event), "  ", (fields, "dim")
    )
