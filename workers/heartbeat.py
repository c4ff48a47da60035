"""One thread in the worker's parent process: extends leases, sees children die, carries out deadlines.

It sits in the parent because a body may hold its child's interpreter for long; and because the parent sees a child's
death at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import structlog
from sqlalchemy import Interval, Uuid, and_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.settings import Settings
from models.job import Job, JobStatus
from models.worker import Worker
from tasks.base import DATABASE_DOWN
from tasks.contract import JobKind
from tasks.lifecycle import SHOWN
from tasks.runtime import Runtime

logger = structlog.get_logger()

_DEAF_SECONDS = 10  # between the alarm that a body must hear and the end of its process

_NOW = func.clock_timestamp()
_MINE = and_(Job.worker_id == bindparam("me", type_=Uuid()), Job.status == str(JobStatus.RUNNING))
_BEAT = (
    update(Job)
    .where(_MINE)
    .values(lease_until=_NOW + bindparam("lease", type_=Interval()))
    .returning(*SHOWN, (Job.cancel_deadline < _NOW).label("is_overdue"), (_NOW - Job.started_at).label("ran_for"))
)
_MEMORY = (
    update(Job)
    .where(Job.id == bindparam("job_id", type_=Uuid()), _MINE)
    .values(peak_memory=func.greatest(func.coalesce(Job.peak_memory, 0), bindparam("bytes")))
)


def resident_bytes(pid: int) -> int | None:
    """Memory of a process, or None where it is gone or the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def is_running(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        return _answers_signal(pid)
    except (OSError, IndexError):
        return False
    return state not in "ZX"


def _answers_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Heartbeat:
    """Beats for one worker group."""

    def __init__(
        self,
        runtime: Runtime,
        worker_id: UUID,
        *,
        name: str,
        hostname: str,
        queues: Sequence[str],
        concurrency: int,
        version: str,
        is_draining: Callable[[], bool],
    ) -> None:
        self._runtime = runtime
        self._settings: Settings = runtime.settings
        self._id = worker_id
        self._name = name
        self._facts: dict[str, Any] = {
            "id": worker_id,
            "name": name,
            "hostname": hostname,
            "pid": os.getpid(),
            "queues": list(queues),
            "concurrency": concurrency,
            "version": version,
        }
        self._is_draining = is_draining
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Give back what is still ours, and sign off."""
        self._stop.set()
        self._thread.join(timeout=5)
        try:
            self.hand_back_all()
            self._register("stopped")
        except DATABASE_DOWN:
            logger.warning("sign_off_failed")  # the lease runs out by itself

    def _work(self) -> None:
        while True:
            try:
                self.beat()
            except DATABASE_DOWN as error:
                logger.warning("beat_failed", error=str(error).splitlines()[0])
            except Exception:  # a worker that works but does not beat would have all its jobs taken away
                logger.exception("beat_raised")
            if self._stop.wait(self._settings.beat_every.total_seconds()):
                return

    def beat(self) -> None:
        """Extend leases, note memory, and look at each child that runs a job."""
        with self._runtime.db.connect() as connection:
            rows = connection.execute(_BEAT, {"me": self._id, "lease": self._settings.lease}).all()
            sizes = [
                {"job_id": row.id, "me": self._id, "bytes": size}
                for row in rows
                if (size := resident_bytes(row.pid)) is not None and size > (row.peak_memory or 0) * 1.05
            ]
            for grown in sizes:
                connection.execute(_MEMORY, grown)
        self._register("draining" if self._is_draining() else "online")
        for row in rows:
            self._look_after(cast("Job", row), is_overdue=bool(row.is_overdue), ran_for=row.ran_for.total_seconds())

    def _look_after(self, job: Job, *, is_overdue: bool, ran_for: float) -> None:
        kind = self._runtime.registry.get(job.kind)
        if not is_running(job.pid or 0):
            self._bury(job, kind, ran_for)
        elif is_overdue:
            self._kill(job, "cancel_deadline")
        elif kind is not None and ran_for > kind.time_limit.total_seconds() + _DEAF_SECONDS:
            self._kill(job, "time_limit")

    @staticmethod
    def _kill(job: Job, why: str) -> None:
        logger.warning("job_killed", job_id=str(job.id), pid=job.pid, why=why)
        os.kill(cast("int", job.pid), signal.SIGKILL)

    def _bury(self, job: Job, kind: JobKind | None, ran_for: float) -> None:
        if kind is not None and ran_for > kind.time_limit.total_seconds() and job.cancel_requested_at is None:
            limit = f"{kind.time_limit.total_seconds():g} s"
            error = {"code": "time_limit", "message": f"took longer than {job.kind} may ({limit}) and was killed"}
            self._runtime.lifecycle.fail(job, kind, error, actor=self._name)
            return
        logger.warning("job_crashed", job_id=str(job.id), pid=job.pid, attempt=job.attempt)
        self._runtime.lifecycle.crashed(job, kind, "the process running it died", actor=self._name)

    def hand_back_all(self) -> list[int]:
        """Whatever this group still holds goes back to its queue without costing an attempt; answers who ran it."""
        with self._runtime.db.connect() as connection:
            rows = connection.execute(select(*SHOWN).where(_MINE), {"me": self._id}).all()
        for row in rows:
            self._runtime.lifecycle.hand_back(row.id, row.attempt, actor=self._name)
        return [row.pid for row in rows]

    def cut_off(self) -> None:
        """End the bodies that did not hear that they should hand back: first the row, then the process."""
        try:
            pids = self.hand_back_all()
        except DATABASE_DOWN:
            logger.warning("cut_off_waits_for_lease")
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _register(self, status: str) -> None:
        values = {**self._facts, "status": status, "facts": None}
        with self._runtime.db.connect() as connection:
            connection.execute(
                insert(Worker)
                .values(**values, started_at=_NOW, last_seen_at=_NOW)
                .on_conflict_do_update(index_elements=[Worker.id], set_={"status": status, "last_seen_at": _NOW})
            )
