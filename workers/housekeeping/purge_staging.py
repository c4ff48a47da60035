"""Removes what ETL runs left staged that nobody went on with, and what killed stages left in their folder."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import Connection

from core.clock import now
from models.etl_run import RunStatus, abandoned_runs, fail_run, find_run, try_hold_until_commit
from models.etl_staging import Staging
from tasks.etl.contract import ETL, STAGES, STAGING_KEPT

logger = structlog.get_logger()

KINDS = tuple(kind.name for kind in (ETL, *STAGES))
WHY = f"nobody went on with it for {STAGING_KEPT.days} days: its staged rows were removed"
_AT_ONCE = 20


class PurgeStaging:
    name = "purge_staging"
    lock = 6
    every_seconds = 60.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, connection: Connection) -> None:
        for run in abandoned_runs(connection, kept=STAGING_KEPT, kinds=KINDS, limit=_AT_ONCE):
            if not try_hold_until_commit(connection, run.id):
                continue  # a notebook works on it, which is no job that we could see
            staged = Staging(run.load_id)
            tables, size = staged.extent(connection)
            fail_run(connection, run.id, WHY)
            staged.drop(connection)
            logger.info("etl_staging_purged", run=str(run.id), file=run.file_name, tables=tables, bytes=size)
        self._sweep(connection)

    def _sweep(self, connection: Connection) -> None:
        """Spools of runs that have ended, and scratch folders whose process was killed; each machine its own."""
        gone = 0
        if self._folder.exists():
            for path in self._folder.iterdir():
                with contextlib.suppress(FileNotFoundError):  # its own stage was quicker
                    if path.stat().st_mtime < (now() - STAGING_KEPT).timestamp() and not _is_open(connection, path):
                        shutil.rmtree(path) if path.is_dir() else path.unlink()
                        gone += 1
        if gone:
            logger.info("etl_files_purged", files=gone)


def _is_open(connection: Connection, path: Path) -> bool:
    try:
        run = find_run(connection, UUID(path.stem))
    except ValueError:
        return False
    return run is not None and run.status == RunStatus.OPEN
