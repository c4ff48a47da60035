"""Schedules: when they run and what became of it; run now, pause, resume, backfill."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click
from rich.text import Text

from reckoner.desk import Desk, at_desk
from reckoner.printing import clean, console, print_json, table
from reckoner.records import Schedule, ScheduleRun

from .moments import MOMENT

_HEADS = ("schedule", "runs", "kind", "state", "next", "last", "30 days")
_RUN_HEADS = ("due", "outcome", "by", "job", "reason")


@click.group(invoke_without_command=True)
@at_desk
def schedules(desk: Desk) -> None:
    """Schedules in plain words; their runs; run now, pause, resume, backfill."""
    if click.get_current_context().invoked_subcommand is None:
        _print(desk, desk.reckoner.schedules())


@schedules.command()
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How far back.")
@at_desk
def runs(desk: Desk, name: str, days: int) -> None:
    """What became of each due time, newest first."""
    _print_runs(desk, desk.reckoner.schedule_runs(name, days=days))


@schedules.command()
@click.argument("name")
@at_desk
def run(desk: Desk, name: str) -> None:
    """Run it now, whatever its next due time is."""
    _print_runs(desk, [desk.reckoner.run_schedule(name)])


@schedules.command()
@click.argument("name")
@at_desk
def pause(desk: Desk, name: str) -> None:
    """Let no due time fire until it is resumed."""
    _print(desk, [desk.reckoner.pause_schedule(name)])


@schedules.command()
@click.argument("name")
@at_desk
def resume(desk: Desk, name: str) -> None:
    """Go on with the next due time; a backfill can make up for what passed."""
    _print(desk, [desk.reckoner.resume_schedule(name)])


@schedules.command()
@click.argument("name")
@click.option("--start", type=MOMENT, required=True, help="The first due time to make up for: a time, or an age.")
@click.option("--end", type=MOMENT, required=True, help="Due times before this: a time, or an age.")
@at_desk
def backfill(desk: Desk, name: str, start: datetime, end: datetime) -> None:
    """Make up for due times that did not run, each once."""
    _print_runs(desk, desk.reckoner.backfill_schedule(name, start, end))


def _print(desk: Desk, found: list[Schedule]) -> None:
    if desk.as_json:
        print_json([asdict(schedule) for schedule in found])
        return
    console().print(table(_HEADS, map(_row, found), empty="no schedules; is beat running?"))


def _row(schedule: Schedule) -> tuple[object, ...]:
    state = Text(schedule.state, style="green" if schedule.state == "active" else "yellow")
    if schedule.paused_by:
        state.append(f" by {clean(schedule.paused_by)}")
    last = schedule.last_run.outcome if schedule.last_run else ""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in schedule.last_30_days.items() if count)
    return (schedule.name, schedule.words, schedule.kind, state, schedule.next_run_at, last, counts)


def _print_runs(desk: Desk, found: list[ScheduleRun]) -> None:
    if desk.as_json:
        print_json([asdict(run) for run in found])
        return
    rows = ((run.due_at, run.outcome, run.trigger, run.job_id, run.reason) for run in found)
    console().print(table(_RUN_HEADS, rows, empty="no due time yet"))
