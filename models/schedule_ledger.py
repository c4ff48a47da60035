"""What became of schedules: counts, the last runs, and what people do to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, text, update

from models.schedule import Schedule, ScheduleRun

_SCHEDULE = tuple(Schedule.__table__.c)
_RUN = tuple(ScheduleRun.__table__.c)
# What nobody looked at or may not run again counts as open; a backfill decides it anew.
OPEN_OUTCOMES = ("missed", "skipped")


def schedules(connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(select(*_SCHEDULE).order_by(Schedule.retired_at.is_not(None), Schedule.name)).all()


def schedule(connection: Connection, name: str, *, lock: bool = False) -> Row[Any] | None:
    """One schedule; locked, no beat decides about it before this transaction ends."""
    statement = select(*_SCHEDULE).where(Schedule.name == name)
    return connection.execute(statement.with_for_update() if lock else statement).first()


def counts(connection: Connection, since: datetime) -> dict[str, dict[str, int]]:
    """Outcomes by schedule of the due times since a moment."""
    statement = (
        select(ScheduleRun.schedule, ScheduleRun.outcome, func.count())
        .where(ScheduleRun.due_at >= since)
        .group_by(ScheduleRun.schedule, ScheduleRun.outcome)
    )
    found: dict[str, dict[str, int]] = {}
    for name, outcome, count in connection.execute(statement):
        found.setdefault(name, {})[outcome] = count
    return found


def last_runs(connection: Connection) -> dict[str, Row[Any]]:
    """The newest due time of each schedule that made a job."""
    statement = (
        select(*_RUN)
        .where(ScheduleRun.outcome.in_(["ran", "late"]))
        .distinct(ScheduleRun.schedule)
        .order_by(ScheduleRun.schedule, ScheduleRun.due_at.desc())
    )
    return {row.schedule: row for row in connection.execute(statement)}


def runs(
    connection: Connection, name: str, *, since: datetime, before: datetime | None, limit: int, outcome: str | None
) -> Sequence[Row[Any]]:
    """The ledger, newest due time first."""
    statement = select(*_RUN).where(ScheduleRun.schedule == name, ScheduleRun.due_at >= since)
    if before is not None:
        statement = statement.where(ScheduleRun.due_at < before)
    if outcome is not None:
        statement = statement.where(ScheduleRun.outcome == outcome)
    return connection.execute(statement.order_by(ScheduleRun.due_at.desc()).limit(limit)).all()


def pause(connection: Connection, name: str, by: str) -> None:
    """A paused schedule that is paused again stays as it was."""
    connection.execute(
        update(Schedule)
        .where(Schedule.name == name, Schedule.paused_at.is_(None))
        .values(paused_at=func.now(), paused_by=by)
    )


_SKIPPED = text("""
INSERT INTO schedule_runs (schedule, due_at, decided_at, outcome, reason, job_id, trigger)
SELECT :name, due_at, now(), 'skipped', :reason, NULL, 'beat'
FROM generate_series(cast(:first AS timestamptz), now(), make_interval(secs => :every)) AS due_at
WHERE due_at > now() - interval '30 days'
ON CONFLICT DO NOTHING
""")


def resume(connection: Connection, paused: Row[Any], next_due_at: datetime) -> None:
    """Go on with the next due time; those that passed meanwhile were skipped, and the ledger says so."""
    reason = f"paused by {paused.paused_by}"
    facts = {"name": paused.name, "first": paused.next_due_at, "every": paused.every_seconds, "reason": reason}
    connection.execute(_SKIPPED, facts)
    connection.execute(
        update(Schedule)
        .where(Schedule.name == paused.name)
        .values(paused_at=None, paused_by=None, next_due_at=next_due_at)
    )


def reopen(connection: Connection, name: str, first: datetime, end: datetime) -> None:
    """Forget that due times were missed or skipped, so that a backfill may run them."""
    connection.execute(
        delete(ScheduleRun).where(
            ScheduleRun.schedule == name,
            ScheduleRun.due_at >= first,
            ScheduleRun.due_at < end,
            ScheduleRun.outcome.in_(OPEN_OUTCOMES),
        )
    )


def decided(connection: Connection, name: str, first: datetime, end: datetime) -> set[datetime]:
    """Due times that have a row."""
    statement = select(ScheduleRun.due_at).where(
        ScheduleRun.schedule == name, ScheduleRun.due_at >= first, ScheduleRun.due_at < end
    )
    return set(connection.execute(statement).scalars())


def month_before(moment: datetime) -> datetime:
    return moment - timedelta(days=30)
