"""The first page: is it well, what runs, what waits, what fails, how fast."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, request

from api.breakers.views import list_breakers
from api.console.asking import ask
from api.console.pages import console, is_htmx, show
from api.console.wording import moment
from api.jobs.schemas import ListQuery
from api.jobs.views import list_jobs
from api.queues.views import list_queues
from api.schedules.views import list_schedules
from api.statistics.views import Period, StatisticsQuery, job_statistics
from core.clock import now
from models.job import JobStatus

_RUNNING_SHOWN = 10
_RECENT_SHOWN = 8
_LATE = timedelta(seconds=30)


@console.get("/", strict_slashes=False)
def overview() -> Response:
    if request.args.get("part") == "figures":
        return show("overview_figures.html", **_figures())
    if request.args.get("part") == "now":
        return show("overview_now.html", **_now())
    return show("overview.html", **_now(), **_figures())


def _now() -> dict[str, Any]:
    running = ask(list_jobs, query=ListQuery(status=[JobStatus.RUNNING], limit=_RUNNING_SHOWN))
    recent = ask(list_jobs, query=ListQuery(limit=_RECENT_SHOWN))
    late = [each for each in ask(list_schedules)["data"] if each["next_run_at"] and _is_late(each["next_run_at"])]
    return {
        "running": running,
        "recent": recent["data"],
        "survey": ask(list_queues),
        "late": late,
        "breakers": [each for each in ask(list_breakers)["data"] if each["state"] != "closed"],
    }


def _is_late(due_at: str) -> bool:
    due = moment(due_at)
    return due is not None and now() - due > _LATE


def _figures() -> dict[str, Any]:
    asked = request.args.get("period", "")
    period = Period(asked) if asked in set(Period) else Period.HOUR
    figures = ask(job_statistics, query=StatisticsQuery(period=period))
    totals = {name: sum(step[name] for step in figures["steps"]) for name in ("succeeded", "failed", "cancelled")}
    kinds = figures["kinds"]
    return {
        "period": str(period),
        "periods": ((Period.HOUR, "Hour"), (Period.DAY, "Day"), (Period.MONTH, "30 days")),
        "figures": figures,
        "totals": totals,
        "failing": [kind for kind in kinds if kind["failed"]],
        "crashes": sum(kind["crashes"] for kind in kinds),
        "poison": sum(kind["poison"] for kind in kinds),
        "is_htmx": is_htmx(),
    }
