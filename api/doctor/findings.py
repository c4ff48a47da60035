"""What the doctor found: one line each, and what to do about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, Field


class Severity(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(BaseModel):
    check: str = Field(description="What was looked at; a name that stays.")
    severity: Severity
    what: str = Field(description="What was found, with its figures.")
    way_out: str | None = Field(None, description="What to do about it.")


class Diagnosis(BaseModel):
    at: datetime
    version: str
    node_id: str
    findings: list[Finding]


def fine(check: str, what: str) -> Finding:
    return Finding(check=check, severity=Severity.OK, what=what, way_out=None)


def warning(check: str, what: str, way_out: str) -> Finding:
    return Finding(check=check, severity=Severity.WARNING, what=what, way_out=way_out)


def error(check: str, what: str, way_out: str) -> Finding:
    return Finding(check=check, severity=Severity.ERROR, what=what, way_out=way_out)


_TOLERATED_SECONDS = 1.0
# Half a lease: with more, a worker and Postgres would soon disagree about who holds a job.
_HARMFUL_SECONDS = 5.0


def clock(check: str, theirs: datetime, before: datetime, after: datetime, *, whose: str) -> Finding:
    """Compare a clock that was read between two looks at ours; what the reading took is not skew."""
    trip = after - before
    skew = theirs - (before + trip / 2)
    surely = max(abs(skew) - trip / 2, timedelta(0)).total_seconds()
    if surely <= _TOLERATED_SECONDS:
        return fine(check, f"{whose} clock agrees with this node's")
    what = f"{whose} clock is {surely:.1f} s {'ahead of' if skew > timedelta(0) else 'behind'} this node's"
    way_out = "synchronise the clocks of all machines (chrony or systemd-timesyncd); times and due times depend on them"
    return (error if surely > _HARMFUL_SECONDS else warning)(check, what, way_out)
