"""Open the run of a file and be the only one who works on it: two requests for one file end as one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Connection

from core.clock import uuid7
from core.errors import NotFoundError
from core.input_files import InputFile
from models.etl_run import EtlRun, RunFile, RunStatus, find_run, let_go, open_run, try_hold, try_lock_run
from models.session import Database
from tasks.context import JobContext, session_of
from tasks.etl.settings import RunSettings
from tasks.etl.stages.workplace import Tick

LOOK_EVERY = 0.25  # seconds


def run_of(db: Database, found: InputFile, settings: RunSettings, owner: str) -> EtlRun:
    """The run of this file with these settings: the one there is, or a new one."""
    file = RunFile(found.sha256, found.name, found.bytes)
    key = settings.key(found.sha256)
    with db.transaction() as connection:
        return open_run(connection, uuid7(), key=key, file=file, settings=settings.model_dump(mode="json"), owner=owner)


def known_run(db: Database, run_id: UUID) -> EtlRun:
    with db.connect() as connection:
        run = find_run(connection, run_id)
    if run is None:
        raise NotFoundError(f"no ETL run {run_id}", run=str(run_id))
    return run


def locked_run(connection: Connection, run_id: UUID, tick: Tick) -> EtlRun:
    """The run as it is now, ours until the transaction ends: no two workers judge or publish it at once."""
    while True:
        run = try_lock_run(connection, run_id)
        if run is not None:
            return run
        tick(0, None, message=f"waiting for another job that works on run {run_id}")
        time.sleep(LOOK_EVERY)


@contextmanager
def held_alone(job: JobContext, run: EtlRun, tick: Tick) -> Iterator[None]:
    """Like `held`, unless the job is a stage of a whole run: that run holds it for its stages, wherever they run."""
    if job.job.parent_id is not None:
        yield
        return
    with held(job.db, run, tick, session_of(job.job)):
        yield


@contextmanager
def held_run_of(job: JobContext, found: InputFile, settings: RunSettings, tick: Tick) -> Iterator[EtlRun]:
    """The run of this file, held: a new one where the one there was ended as failed while we waited for it."""
    while True:
        with held(job.db, run_of(job.db, found, settings, job.owner), tick, session_of(job.job)) as run:
            if run.status != RunStatus.FAILED:
                yield run
                return


@contextmanager
def held(db: Database, run: EtlRun, tick: Tick, session: str = "") -> Iterator[EtlRun]:
    """Wait until nobody else works on the run; gives it as it is then. A worker that dies lets go at once."""
    with db.connect(session) as connection:
        while not try_hold(connection, run.id):
            tick(0, None, message=f"waiting for another job that works on run {run.id}")
            time.sleep(LOOK_EVERY)
        try:
            yield known_run(db, run.id)
        finally:
            let_go(connection, run.id)
