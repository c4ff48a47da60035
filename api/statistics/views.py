"""Throughput, waiting and running times, and what fails, over an hour, a day or thirty days."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from api.platform import current_holder, current_platform
from api.responses import json_response
from core.clock import iso, now
from models.api_key import Role
from models.job_statistics import ended_by_kind, ended_by_step

statistics = APIBlueprint(
    "statistics", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Statistics", description=__doc__)]
)

_KEY = "reckoner:statistics"


class Period(StrEnum):
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True)
class _Shape:
    step: timedelta
    steps: int
    slack: timedelta  # how much earlier than the period a job may have been submitted to be counted
    kept: int  # seconds the figures are remembered: a longer period costs more and changes less


_SHAPES = {
    Period.HOUR: _Shape(timedelta(minutes=1), 60, timedelta(hours=6), 2),
    Period.DAY: _Shape(timedelta(minutes=15), 96, timedelta(days=1), 20),
    Period.MONTH: _Shape(timedelta(hours=6), 120, timedelta(days=3), 300),
}


class StatisticsQuery(BaseModel):
    period: Period = Field(Period.HOUR, description="`month` is thirty days.")


class Step(BaseModel):
    at: datetime
    succeeded: int
    failed: int
    cancelled: int
    run_p50_seconds: float | None
    run_p95_seconds: float | None
    wait_p50_seconds: float | None
    wait_p95_seconds: float | None


class KindFigures(BaseModel):
    kind: str
    ended: int
    failed: int
    poison: int
    crashes: int
    last_failed_at: datetime | None
    last_error: str | None
    last_failed_id: str | None


class Statistics(BaseModel):
    period: Period
    starts: datetime
    step_seconds: float
    generated_at: datetime
    steps: list[Step]
    kinds: list[KindFigures]


@statistics.get("/statistics/jobs", summary="Jobs that ended in a period", responses={200: Statistics})
def job_statistics(query: StatisticsQuery) -> Response:
    """Of everybody's jobs for operators, of one's own for others; steps without jobs are there, with zeros."""
    holder = current_holder()
    owner = None if holder.role.covers(Role.OPERATOR) else holder.owner
    shape = _SHAPES[query.period]
    name = f"{_KEY}:{query.period}:{owner or ''}:{int(time.time()) // shape.kept}"
    kept = _remembered(name)
    if kept is not None:
        return Response(kept, content_type="application/json")
    response = json_response(_figures(query.period, shape, owner))
    _remember(name, response.get_data(), shape.kept)
    return response


def _figures(period: Period, shape: _Shape, owner: str | None) -> dict[str, Any]:
    seconds = int(shape.step.total_seconds())
    last = int(now().timestamp()) // seconds * seconds
    starts = datetime.fromtimestamp(last, UTC) - shape.step * (shape.steps - 1)
    with current_platform().db.connect() as connection:
        rows = ended_by_step(connection, starts=starts, step=shape.step, slack=shape.slack, owner=owner)
        kinds = ended_by_kind(connection, starts=starts, slack=shape.slack, owner=owner)
    by_time = {row.at: row for row in rows}
    return {
        "period": str(period),
        "starts": iso(starts),
        "step_seconds": seconds,
        "generated_at": iso(now()),
        "steps": [_step(starts + shape.step * place, by_time) for place in range(shape.steps)],
        "kinds": [{**row._mapping, "crashes": int(row.crashes)} for row in kinds],  # noqa: SLF001  # SQLAlchemy's public name
    }


def _step(at: datetime, by_time: dict[datetime, Any]) -> dict[str, Any]:
    row = by_time.get(at)
    found: dict[str, Any] = {"at": iso(at)}
    found |= {name: getattr(row, name) if row else 0 for name in ("succeeded", "failed", "cancelled")}
    for name in ("run", "wait"):
        p50, p95 = (getattr(row, name) if row else None) or (None, None)
        found |= {f"{name}_p50_seconds": _rounded(p50), f"{name}_p95_seconds": _rounded(p95)}
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _remembered(name: str) -> bytes | None:
    platform = current_platform()
    if platform.board.is_away:
        return None
    try:
        kept: Any = platform.redis.get(name)
    except RedisError:
        return None
    return kept if kept is None else bytes(kept)


def _remember(name: str, body: bytes, seconds: int) -> None:
    platform = current_platform()
    if platform.board.is_away:
        return
    try:
        platform.redis.set(name, body, ex=seconds + 5)
    except RedisError:
        return  # asked again, it is counted again
