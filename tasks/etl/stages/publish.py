"""Publish: the judged load becomes part of the ledger, in the same moment for every reader."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, func

from core.errors import ConflictError
from models.etl_run import EtlRun, RunStatus, note_stage
from models.ledger import Publication, StagedRows, try_lock_ledger
from tasks.etl.dialect import GUARD_COLUMN
from tasks.etl.stages.hold import locked_run
from tasks.etl.stages.interruptible import interruptible
from tasks.etl.stages.workplace import Stopwatch, Workplace

STAGE = "publish"
LOOK_EVERY = 0.2  # seconds
WAITING = "waiting for readers or for another load to be published"


def publish(place: Workplace, run: EtlRun, connection: Connection) -> dict[str, Any]:
    """Publish within the caller's transaction; what is published already stays as it is."""
    watch, message = Stopwatch(), WAITING

    def tick() -> None:
        place.tick(0, None, message=message)

    def wait() -> None:
        nonlocal message
        message = WAITING

    while not try_lock_ledger(connection):
        tick()
        time.sleep(LOOK_EVERY)
    current = locked_run(connection, run.id, place.tick)
    if current.status == RunStatus.FAILED:
        raise ConflictError(f"run {run.id} cannot be published: it has failed", run=str(run.id))
    if current.status == RunStatus.PUBLISHED:
        return dict(current.stages[STAGE])
    transformed = current.stages.get("transform") or {}
    if not transformed.get("done"):
        raise ConflictError(f"run {run.id} is not transformed yet: run that stage first", run=str(run.id))
    message = "building keys"
    tick()
    loaded = current.stages["load"]
    are_rejects = GUARD_COLUMN in loaded["columns"]
    staged = StagedRows(loaded["rows"], transformed["charges"], transformed["is_summed"], are_rejects)
    with interruptible(connection, tick):
        done = Publication(connection, run.load_id, wait, staged).publish()
    report = {
        "done": True,
        "rows": transformed["rows"],
        "charges_added": done.charges_added,
        "rejected": done.rows_rejected,
        "known": done.rows_known,
        "raw_added": done.raw_rows,
        "companies_added": done.companies_added,
        "reasons": done.reasons,
        **watch.facts(transformed["rows"]),
    }
    note_stage(
        connection,
        run.id,
        STAGE,
        report,
        status=str(RunStatus.PUBLISHED),
        published_at=func.clock_timestamp(),
        raw_rows=done.raw_rows,
        charges_added=done.charges_added,
        rows_rejected=done.rows_rejected,
        rows_known=done.rows_known,
    )
    return report
