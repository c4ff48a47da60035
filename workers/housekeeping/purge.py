"""Removes what has expired: jobs with their events and logs, idempotency keys, audit entries, workers long gone."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy import Connection, delete, func, null, select, update

from core.storage import Storage
from models import audit_entry
from models.artifact import Artifact
from models.file import is_named
from models.idempotency import IdempotencyKey
from models.job import Job, JobEvent
from models.job_log import JobLog
from models.worker import Worker

logger = structlog.get_logger()

_NOW = func.clock_timestamp()
_AT_ONCE = 2000  # rows a turn: small transactions that nobody waits for
_TOMBSTONES_KEPT = timedelta(days=30)
_KEYS_KEPT = timedelta(days=1)
_WORKERS_KEPT = timedelta(days=1)


class Purge:
    name = "purge"
    lock = 4
    every_seconds = 30.0

    def __init__(self, storage: Storage, audit_kept: timedelta) -> None:
        self._storage = storage
        self._audit_kept = audit_kept

    def run(self, connection: Connection) -> None:
        jobs = self._strip_jobs(connection)
        old = {
            "tombstones": connection.execute(delete(Job).where(Job.purged_at < _NOW - _TOMBSTONES_KEPT)).rowcount,
            "idempotency_keys": connection.execute(
                delete(IdempotencyKey).where(IdempotencyKey.created_at < _NOW - _KEYS_KEPT)
            ).rowcount,
            "audit_entries": audit_entry.forget(connection, self._audit_kept),
            "workers": connection.execute(delete(Worker).where(Worker.last_seen_at < _NOW - _WORKERS_KEPT)).rowcount,
        }
        if jobs or any(old.values()):
            logger.info("purged", jobs=jobs, **old)

    def _strip_jobs(self, connection: Connection) -> int:
        """Empty expired jobs; what is left of them says when they expired. Their files go when nothing names them."""
        expired = (
            connection.execute(
                select(Job.id)
                .where(Job.expires_at < _NOW, Job.purged_at.is_(None))
                .order_by(Job.expires_at)
                .limit(_AT_ONCE)
            )
            .scalars()
            .all()
        )
        if expired:
            connection.execute(delete(JobEvent).where(JobEvent.job_id.in_(expired)))
            connection.execute(delete(JobLog).where(JobLog.job_id.in_(expired)))
            made = delete(Artifact).where(Artifact.job_id.in_(expired)).returning(Artifact.sha256)
            for sha256 in set(connection.execute(made).scalars()):
                if not is_named(connection, sha256):
                    self._storage.delete(sha256)
            connection.execute(
                update(Job)
                .where(Job.id.in_(expired))
                .values(purged_at=_NOW, params={}, result=null(), version=Job.version + 1)
            )
        return len(expired)
