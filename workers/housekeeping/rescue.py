"""Takes back jobs whose worker has stopped beating."""

from __future__ import annotations

import time
from typing import cast

import structlog
from sqlalchemy import Connection, func, select, text

from models.job import Job, JobStatus
from tasks.context import session_of
from tasks.lifecycle import SHOWN
from tasks.runtime import Runtime

logger = structlog.get_logger()

_EXPIRED = (
    select(*SHOWN)
    .where(Job.status == str(JobStatus.RUNNING), Job.lease_until < func.clock_timestamp())
    .order_by(Job.lease_until)
    .limit(500)
)
_END_SESSION = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name")


class Rescue:
    name = "rescue"
    lock = 1
    every_seconds = 1.0

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._watching_since: float | None = None

    def run(self, connection: Connection) -> None:
        """Only somebody who has seen Postgres up for a whole lease may judge: after an outage everybody's lease
        has run out, and healthy workers need the time to say that they live.
        """
        if self._watching_since is None:
            self._watching_since = time.monotonic()
        rows = connection.execute(_EXPIRED).all()
        if time.monotonic() - self._watching_since < self._grace():
            return
        for row in rows:
            job = cast("Job", row)
            logger.warning("job_rescued", job_id=str(job.id), attempt=job.attempt)
            # A frozen process may hold the job's row and others in a transaction that it will never end.
            connection.execute(_END_SESSION, {"name": session_of(job)})
            kind = self._runtime.registry.get(job.kind)
            self._runtime.lifecycle.crashed(job, kind, "its worker stopped beating", actor="rescue")

    def interrupted(self) -> None:
        """Postgres went away: start watching anew."""
        self._watching_since = None

    def _grace(self) -> float:
        return 3 * self._runtime.settings.beat_every.total_seconds()
