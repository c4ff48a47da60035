"""Schedules: which due times have come, what the policy says about each, and the job it makes, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from models.job import FINAL, Job
from models.schedule import Schedule, ScheduleRun
from models.session import Database
from tasks.registry import Registry
from tasks.submission import Submission, UniquePolicy, checked_params, submit

OWNER = "schedule"
_LATE_AFTER = timedelta(seconds=30)
_MOST_CAUGHT_UP = 1000  # due times looked at in one go after a long downtime
_LISTED_IN = {"none", "one", "all"}


@dataclass(frozen=True)
class Fired:
    """What became of one due time."""

    schedule: str
    due_at: datetime
    outcome: str
    job_id: UUID | None = None


def next_due(after: datetime, every_seconds: int) -> datetime:
    """The first whole multiple of the interval after a moment: every beat reckons the same."""
    seconds = int(after.timestamp()) // every_seconds * every_seconds + every_seconds
    return datetime.fromtimestamp(seconds, UTC)


class Timekeeper:
    """Looks after all schedules for one beat process."""

    def __init__(self, db: Database, registry: Registry, timetable: Sequence[Mapping[str, Any]]) -> None:
        self._db = db
        self._registry = registry
        self._timetable = timetable
        for entry in timetable:
            if entry.get("catch_up", "one") not in _LISTED_IN or entry.get("overlap", "skip") not in {"skip", "queue"}:
                raise ValueError(
                    f"schedule {entry.get('name')}: catch_up is none, one or all; overlap is skip or queue"
                )
            checked_params(registry[entry["kind"]], entry.get("params", {}))

    def begin(self) -> list[Fired]:
        """Bring the table in line with the timetable, and fire what is wanted at start."""
        with self._db.transaction() as connection:
            now = _now(connection)
            for entry in self._timetable:
                self._keep(connection, entry, now)
            names = [entry["name"] for entry in self._timetable]
            connection.execute(
                update(Schedule)
                .where(Schedule.name.not_in(names), Schedule.retired_at.is_(None))
                .values(retired_at=func.now())
            )
        return list(self._fire_at_start())

    @staticmethod
    def _keep(connection: Connection, entry: Mapping[str, Any], now: datetime) -> None:
        seconds = int(entry["every"].total_seconds())
        facts = {
            "kind": entry["kind"],
            "params": entry.get("params", {}),
            "every_seconds": seconds,
            "catch_up": entry.get("catch_up", "one"),
            "overlap": entry.get("overlap", "skip"),
            "at_start": entry.get("at_start", False),
            "retired_at": None,
        }
        statement = insert(Schedule).values(
            name=entry["name"], next_due_at=next_due(now, seconds), created_at=now, **facts
        )
        connection.execute(statement.on_conflict_do_update(index_elements=[Schedule.name], set_=facts))

    def _fire_at_start(self) -> Iterator[Fired]:
        with self._db.transaction() as connection:
            now = _now(connection).replace(microsecond=0)
            wanted = select(*Schedule.__table__.c).where(
                Schedule.at_start, Schedule.paused_at.is_(None), Schedule.retired_at.is_(None)
            )
            for schedule in connection.execute(wanted.with_for_update(skip_locked=True)).all():
                # Several beats that start together are one start.
                recent = select(ScheduleRun.due_at).where(
                    ScheduleRun.schedule == schedule.name,
                    ScheduleRun.trigger == "start",
                    ScheduleRun.due_at > now - timedelta(seconds=min(60, schedule.every_seconds)),
                )
                if connection.execute(recent).first() is None:
                    yield self.run_at(connection, schedule, now, trigger="start")

    def fire_due(self) -> list[Fired]:
        """Decide every due time that has come, on all schedules that are neither paused nor retired."""
        with self._db.transaction() as connection:
            now = _now(connection)
            due = (
                select(*Schedule.__table__.c)
                .where(Schedule.next_due_at <= now, Schedule.paused_at.is_(None), Schedule.retired_at.is_(None))
                # A second beat passes over what the first is deciding.
                .with_for_update(skip_locked=True)
            )
            fired: list[Fired] = []
            for schedule in connection.execute(due).all():
                fired += self._decide(connection, schedule, now)
                connection.execute(
                    update(Schedule)
                    .where(Schedule.name == schedule.name)
                    .values(next_due_at=next_due(now, schedule.every_seconds))
                )
        return fired

    def _decide(self, connection: Connection, schedule: Any, now: datetime) -> list[Fired]:
        """After downtime several times have come: the policy says which of them still run."""
        interval = timedelta(seconds=schedule.every_seconds)
        times = [schedule.next_due_at]
        while times[-1] + interval <= now and len(times) < _MOST_CAUGHT_UP:
            times.append(times[-1] + interval)
        is_late = now - times[-1] > _LATE_AFTER
        fired: list[Fired] = []
        for place, due_at in enumerate(times):
            is_last = place == len(times) - 1
            wanted = schedule.catch_up == "all" or (is_last and (schedule.catch_up == "one" or not is_late))
            if wanted:
                fired.append(self.run_at(connection, schedule, due_at, trigger="beat", now=now))
            else:
                reason = f"passed while nobody looked; catch_up is {schedule.catch_up}"
                fired.append(_note(connection, schedule.name, due_at, "missed", reason=reason, trigger="beat"))
        return fired

    def run_at(
        self, connection: Connection, schedule: Any, due_at: datetime, *, trigger: str, now: datetime | None = None
    ) -> Fired:
        """Claim a due time and make its job, unless somebody has claimed it or the last run has not ended."""
        now = now or due_at
        running = _unfinished(connection, schedule.name) if schedule.overlap == "skip" else None
        if running is not None:
            reason = f"job {running} of this schedule has not ended"
            return _note(connection, schedule.name, due_at, "skipped", reason=reason, trigger=trigger)
        kind = self._registry[schedule.kind]
        wanted = Submission(
            kind=kind,
            params=checked_params(kind, schedule.params),
            owner=OWNER,
            schedule=schedule.name,
            unique_policy=UniquePolicy.RETURN_EXISTING,
        )
        outcome = "late" if now - due_at > _LATE_AFTER else "ran"
        fired = _note(connection, schedule.name, due_at, outcome, job_id=wanted.id, trigger=trigger)
        if fired.outcome == "taken":
            return fired
        submitted = submit(connection, wanted, published=False)
        if not submitted.created:
            reason = f"job {submitted.job.id} of this kind has not ended"
            connection.execute(
                update(ScheduleRun)
                .where(ScheduleRun.schedule == schedule.name, ScheduleRun.due_at == due_at)
                .values(outcome="skipped", reason=reason, job_id=submitted.job.id)
            )
            return Fired(schedule.name, due_at, "skipped", submitted.job.id)
        return fired


def _note(
    connection: Connection,
    schedule: str,
    due_at: datetime,
    outcome: str,
    *,
    trigger: str,
    reason: str | None = None,
    job_id: UUID | None = None,
) -> Fired:
    """Write a due time down; `taken` when it was there already."""
    statement = (
        insert(ScheduleRun)
        .values(
            schedule=schedule,
            due_at=due_at,
            decided_at=func.clock_timestamp(),
            outcome=outcome,
            reason=reason,
            job_id=job_id,
            trigger=trigger,
        )
        .on_conflict_do_nothing()
        .returning(ScheduleRun.outcome)
    )
    if connection.execute(statement).first() is None:
        return Fired(schedule, due_at, "taken")
    return Fired(schedule, due_at, outcome, job_id)


def _unfinished(connection: Connection, schedule: str) -> UUID | None:
    statement = (
        select(Job.id).where(Job.schedule == schedule, Job.status.not_in([str(status) for status in FINAL])).limit(1)
    )
    return connection.execute(statement).scalar()


def _now(connection: Connection) -> datetime:
    """Postgres' clock: beats on machines that disagree about the time must not."""
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment
