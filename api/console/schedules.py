"""Schedules: in plain words, thirty days as a heat map, pause, resume, run now, make up for what was missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request, url_for

from api.console.asking import ask, may, tell
from api.console.once import once_from_form
from api.console.pages import console, go, is_htmx, show
from api.console.typed_values import Control, read_value
from api.console.wording import moment
from api.schedules import views
from api.schedules.schemas import BackfillBody, LedgerQuery, SchedulePath
from core.clock import now

_DAYS = 30
_PAGE = 1000
_MOST_PAGES = 5  # a schedule of every ten minutes has four thousand due times in a month
_WORST_FIRST = ("missed", "skipped", "late", "ran")


@dataclass(frozen=True)
class Square:
    """One hour of the heat map."""

    x: int
    y: int
    outcome: str
    said: str


@dataclass(frozen=True)
class HeatMap:
    days: tuple[tuple[int, str], ...]  # row and date
    squares: tuple[Square, ...]
    is_cut: bool


@console.get("/schedules")
def schedules() -> Response:
    facts = {"schedules": ask(views.list_schedules)["data"], "may_write": may(views.pause)}
    return show("schedules_live.html" if is_htmx() else "schedules.html", **facts)


@console.get("/schedules/<name>")
def schedule(name: str) -> Response:
    path = SchedulePath(name=name)
    newest = ask(views.list_runs, path=path, query=LedgerQuery(days=_DAYS, limit=30))
    return show(
        "schedule.html",
        schedule=ask(views.get_schedule, path=path),
        runs=newest["data"],
        map=_heat_map(path),
        may_write=may(views.pause),
    )


def _heat_map(path: SchedulePath) -> HeatMap:
    """Each hour shows the worst that became of its due times."""
    today = now().date()
    first = today - timedelta(days=_DAYS - 1)
    hours: dict[datetime, Counter[str]] = {}
    runs, is_cut = _ledger(path)
    for run in runs:
        due = moment(run["due_at"])
        if due is not None and due.date() >= first:
            hour = due.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            hours.setdefault(hour, Counter())[run["outcome"]] += 1
    squares = tuple(_square(hour, counts, first) for hour, counts in sorted(hours.items()))
    days = tuple((row, f"{first + timedelta(days=row):%d %b}") for row in range(_DAYS))
    return HeatMap(days, squares, is_cut)


def _square(hour: datetime, counts: Counter[str], first: Any) -> Square:
    worst = next(outcome for outcome in _WORST_FIRST if counts[outcome])
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    return Square(hour.hour, (hour.date() - first).days, worst, f"{hour:%Y-%m-%d %H}:00 UTC: {said}")


def _ledger(path: SchedulePath) -> tuple[list[dict[str, Any]], bool]:
    found: list[dict[str, Any]] = []
    for page in _pages(path):
        found += page["data"]
        if page["next_cursor"] is None:
            return found, False
    return found, True


def _pages(path: SchedulePath) -> Iterator[dict[str, Any]]:
    cursor: datetime | None = None
    for _ in range(_MOST_PAGES):
        page = ask(views.list_runs, path=path, query=LedgerQuery(days=_DAYS, limit=_PAGE, cursor=cursor))
        yield page
        cursor = moment(page["next_cursor"])


@console.post("/schedules/<name>/<any(pause, resume):move>")
def move_schedule(name: str, move: str) -> Response:
    tell(views.pause if move == "pause" else views.resume, path=SchedulePath(name=name))
    return go(url_for("console.schedule", name=name))


@console.post("/schedules/<name>/run")
def run_schedule(name: str) -> Response:
    """To the job, if one was made; else to the ledger, which says why not."""
    fired = once_from_form(lambda: tell(views.run_now, path=SchedulePath(name=name)))
    if fired["job_id"]:
        return go(url_for("console.job", job_id=fired["job_id"]))
    return go(url_for("console.schedule", name=name))


@console.post("/schedules/<name>/backfill")
def backfill_schedule(name: str) -> Response:
    times = {part: read_value(Control.MOMENT, request.form.get(part, "")) for part in ("start", "end")}
    body = BackfillBody.model_validate(times)
    once_from_form(lambda: tell(views.backfill, path=SchedulePath(name=name), body=body))
    return go(url_for("console.schedule", name=name))
