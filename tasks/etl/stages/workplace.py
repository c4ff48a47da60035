"""What a stage works with: the database, room for its own files, and a way to tell how far it is."""

from __future__ import annotations

import resource
import sys
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection

from models.session import Database
from tasks.etl.stages.spool import survey_of

FORGET_PEAK = Path("/proc/self/clear_refs")


class Tick(Protocol):
    """Told of progress often; it may raise to stop the stage."""

    def __call__(self, done: float, total: float | None = None, *, message: str = "") -> None: ...


def no_tick(done: float, total: float | None = None, *, message: str = "") -> None:
    """For stages that nobody watches."""


@dataclass(frozen=True)
class Workplace:
    """Where and for whom a stage runs."""

    db: Database
    folder: Path
    tick: Tick = no_tick
    session: str = ""  # what the job's sessions are called: rescue ends those of a process that froze or was cut off

    def transaction(self) -> AbstractContextManager[Connection]:
        return self.db.transaction(self.session)

    def spool_of(self, run_id: UUID) -> Path:
        """The run's raw rows as Parquet: a copy that can be made again from the raw table."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{run_id}.parquet"

    def forget_spool(self, run_id: UUID) -> None:
        spool = self.spool_of(run_id)
        for path in (spool, survey_of(spool)):
            path.unlink(missing_ok=True)


@dataclass
class Stopwatch:
    """Duration, speed and memory of a stage."""

    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        # A worker's child runs many stages: where the system can forget a peak, each is charged with its own alone.
        with suppress(OSError):
            FORGET_PEAK.write_text("5")

    def facts(self, rows: int) -> dict[str, Any]:
        seconds = time.perf_counter() - self.started
        return {
            "seconds": round(seconds, 3),
            "rows_per_second": round(rows / seconds) if seconds else 0,
            "peak_memory_bytes": peak_memory(),
        }


def peak_memory() -> int:
    """The most this process took since its peak was forgotten; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
