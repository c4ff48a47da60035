"""Schedules: when they run, what became of each due time, and what an operator can do about it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from flask import Response
from flask_openapi import APIBlueprint, Tag
from sqlalchemy import Connection, func, select

from api.audit.recording import audited, changing, note, nothing_changed
from api.auth import needs
from api.idempotency import Answer, once
from api.platform import current_holder, current_platform
from api.responses import json_response
from api.schedules.schemas import (
    BackfillBody,
    Backfilled,
    LedgerQuery,
    ScheduleDocument,
    ScheduleList,
    SchedulePath,
    ScheduleRunDocument,
    ScheduleRunList,
    schedule_document,
)
from core.clock import now
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.exact_json import dumps
from models import schedule_ledger
from models.api_key import Role
from models.schedule import ScheduleRun
from tasks.scheduling import Fired, Timekeeper, next_due

_TAG = Tag(name="Schedules", description=__doc__)
schedules = APIBlueprint("schedules", __name__, url_prefix="/api/v1/schedules", abp_tags=[_TAG])

_MOST_BACKFILLED = 1000


@schedules.get("", summary="All schedules, in plain words", responses={200: ScheduleList})
def list_schedules() -> Response:
    with current_platform().db.connect() as connection:
        rows = schedule_ledger.schedules(connection)
        return json_response({"data": _documents(connection, rows)})


@schedules.get("/<name>", summary="One schedule", responses={200: ScheduleDocument})
def get_schedule(path: SchedulePath) -> Response:
    with current_platform().db.connect() as connection:
        return _shown(connection, path.name)


@schedules.get("/<name>/runs", summary="What became of each due time, newest first", responses={200: ScheduleRunList})
def list_runs(path: SchedulePath, query: LedgerQuery) -> Response:
    with current_platform().db.connect() as connection:
        _known(connection, path.name)
        rows = schedule_ledger.runs(
            connection,
            path.name,
            since=now() - timedelta(days=query.days),
            before=query.cursor,
            limit=query.limit + 1,
            outcome=query.outcome,
        )
    shown = [row._asdict() for row in rows[: query.limit]]
    return json_response({"data": shown, "next_cursor": shown[-1]["due_at"] if len(rows) > query.limit else None})


@schedules.post("/<name>/run", summary="Run now", responses={202: ScheduleRunDocument})
@needs(Role.OPERATOR)
@audited("schedule.run", of="name")
def run_now(path: SchedulePath) -> Response:
    """Works for a paused schedule too. While its last run has not ended, the policy decides as for any due time."""

    def run(connection: Connection) -> Answer:
        found = _not_retired(_known(connection, path.name))
        moment = connection.execute(select(func.clock_timestamp())).scalar_one()
        fired = _timekeeper().run_at(connection, found, moment, trigger="manual")
        note(outcome=fired.outcome, job_id=str(fired.job_id) if fired.job_id else None)
        return Answer(202, dumps(_run(connection, fired)))

    return once(run, atomic=True)


@schedules.post("/<name>/pause", summary="Let no due time fire", responses={200: ScheduleDocument})
@needs(Role.OPERATOR)
@audited("schedule.paused", of="name")
def pause(path: SchedulePath) -> Response:
    with changing() as connection:
        if _not_retired(_known(connection, path.name, lock=True)).paused_at is not None:
            nothing_changed()
        schedule_ledger.pause(connection, path.name, current_holder().owner)
        return _shown(connection, path.name)


@schedules.post("/<name>/resume", summary="Go on with the next due time", responses={200: ScheduleDocument})
@needs(Role.OPERATOR)
@audited("schedule.resumed", of="name")
def resume(path: SchedulePath) -> Response:
    """What passed meanwhile is written down as skipped; a backfill can make up for it."""
    with changing() as connection:
        found = _not_retired(_known(connection, path.name, lock=True))
        if found.paused_at is None:
            nothing_changed()
        else:
            schedule_ledger.resume(connection, found, next_due(now(), found.every_seconds))
        return _shown(connection, path.name)


@schedules.post("/<name>/backfill", summary="Make up for due times that did not run", responses={202: Backfilled})
@needs(Role.OPERATOR)
@audited("schedule.backfilled", of="name")
def backfill(path: SchedulePath, body: BackfillBody) -> Response:
    """Runs what was missed or skipped between `start` and `end`, each due time once; what ran is left alone."""
    if body.end <= body.start or body.end > now():
        raise InvalidInputError("`end` must come after `start` and not lie in the future")

    def fill(connection: Connection) -> Answer:
        fired = _fill(connection, _not_retired(_known(connection, path.name, lock=True)), body)
        made = sum(run.outcome in {"ran", "late"} for run in fired)
        note(made=made)
        return Answer(202, dumps({"data": [_run(connection, run) for run in fired], "made": made}))

    return once(fill, atomic=True)


def _fill(connection: Connection, found: Any, body: BackfillBody) -> list[Fired]:
    every = timedelta(seconds=found.every_seconds)
    due_at = next_due(body.start - timedelta(microseconds=1), found.every_seconds)
    count = max(0, -((due_at - body.end) // every))
    if count > _MOST_BACKFILLED:
        raise InvalidInputError(f"{count} due times are too many at once; {_MOST_BACKFILLED} at most")
    schedule_ledger.reopen(connection, found.name, due_at, body.end)
    taken = schedule_ledger.decided(connection, found.name, due_at, body.end)
    # Asked for by a person, each of them is wanted: they wait in line rather than skip each other.
    in_line = SimpleNamespace(**{**found._asdict(), "overlap": "queue"})
    keeper, moment = _timekeeper(), now()
    times = [due_at + every * place for place in range(count)]
    return [
        keeper.run_at(connection, in_line, due, trigger="backfill", now=moment) for due in times if due not in taken
    ]


def _timekeeper() -> Timekeeper:
    platform = current_platform()
    return Timekeeper(platform.db, platform.registry, [])


def _documents(connection: Connection, rows: Any) -> list[dict[str, Any]]:
    counted = schedule_ledger.counts(connection, schedule_ledger.month_before(now()))
    last = schedule_ledger.last_runs(connection)
    return [schedule_document(row, last.get(row.name), counted.get(row.name, {})) for row in rows]


def _shown(connection: Connection, name: str) -> Response:
    return json_response(_documents(connection, [_known(connection, name)])[0])


def _run(connection: Connection, fired: Fired) -> dict[str, Any]:
    columns = tuple(ScheduleRun.__table__.c)
    statement = select(*columns).where(ScheduleRun.schedule == fired.schedule, ScheduleRun.due_at == fired.due_at)
    return connection.execute(statement).one()._asdict()


def _known(connection: Connection, name: str, *, lock: bool = False) -> Any:
    found = schedule_ledger.schedule(connection, name, lock=lock)
    if found is None:
        known = ", ".join(row.name for row in schedule_ledger.schedules(connection)) or "none; is beat running?"
        raise NotFoundError(f"no schedule {name!r}; schedules: {known}")
    return found


def _not_retired(found: Any) -> Any:
    if found.retired_at is not None:
        raise ConflictError(f"schedule {found.name!r} is no longer in the timetable", status="retired")
    return found
