"""A dry run: read and judge the file, compare it with the ledger, and write nothing."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from models.bulk_copy import CopyIn
from models.etl_run import run_with_key
from models.etl_staging import Staging, copy_plain
from models.ledger import Preview, Publication, StagedRows
from tasks.context import JobContext
from tasks.etl.contract import EtlParams, EtlResult, StageReport
from tasks.etl.source import open_transactions
from tasks.etl.stages.context import Watched
from tasks.etl.stages.spool import Spool, surveyed
from tasks.etl.stages.transform import stage_judged
from tasks.etl.stages.workplace import Stopwatch
from tasks.etl.verdicts import Verdicts
from tasks.inputs import Inputs

PIECE_BYTES = 1 << 20
_BEYOND_LOADS = 10**9  # numbers of tables that no load has


def rehearse(params: EtlParams, job: JobContext) -> EtlResult:
    """What the same params without `dry_run` would do now."""
    inputs = Inputs(job, job.owner)
    found = inputs.find(file=params.file, filepath=params.filepath)
    with job.db.connect() as connection:
        earlier = run_with_key(connection, params.settings.key(found.sha256))
    watched = Watched(job, "rehearse")
    place, watch = watched.place, Stopwatch()
    place.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        path = Path(folder) / "rows.parquet"
        with (
            inputs.local(found) as source,
            open_transactions(source, found.name, params.settings) as opened,
            surveyed(path, lambda: watched.tick(found.bytes, found.bytes, message="counting companies")) as spool,
        ):
            mended = _Mended(opened.delimiter, Path(folder) / "rows.copy") if opened.header.is_guarded else None
            for part in opened.records():
                spool.write(part.batch)
                if mended is not None:
                    mended.add(part.plain)
                watched.tick(part.bytes_read, found.bytes, message="reading")
        rows = Spool(path)
        load = StageReport.of({"rows": rows.rows, **watch.facts(rows.rows)})
        watch = Stopwatch()
        with Verdicts(rows, params.settings, watched.tick) as verdicts:
            facts, found_there = _compare(job, verdicts, mended)
    judged = StageReport.of({**facts, **watch.facts(rows.rows)})
    charges = facts["charges"] - found_there.known - found_there.taken
    rejected = facts["rejected"] + found_there.taken - found_there.known_rejects
    return EtlResult(
        run=earlier.id if earlier else None,
        outcome="rehearsed",
        raw_rows=charges + rejected,
        charges_added=charges,
        rows_rejected=rejected,
        rows_known=found_there.known + found_there.known_rejects,
        rows_repaired=facts["repaired"],
        reasons=found_there.reasons,
        stages={"load": load, "transform": judged},
    )


@dataclass
class _Mended:
    """The rows of a file of rejects, as COPY takes them: they are held against the rejects that they came from."""

    delimiter: str
    path: Path

    def add(self, rows: bytes) -> None:
        with self.path.open("ab") as target:
            target.write(rows)

    def copy(self, connection: Connection, staged: Staging) -> None:
        table = staged.create_chunk(connection, 0)
        if self.path.exists():
            with self.path.open("rb") as source, CopyIn(connection, copy_plain(table, self.delimiter)) as copy:
                while piece := source.read(PIECE_BYTES):
                    copy.write(piece)


def _compare(job: JobContext, verdicts: Verdicts, mended: _Mended | None) -> tuple[dict[str, Any], Preview]:
    """Judge into tables of a transaction that never commits, and look what the ledger has of it."""
    with job.db.transaction() as connection:
        number = _BEYOND_LOADS + random.randrange(_BEYOND_LOADS)
        staged = Staging(number)
        staged.create_raw(connection)
        if mended is not None:
            mended.copy(connection, staged)
        facts = stage_judged(connection, number, verdicts)
        found = Publication(connection, number, lambda: None, StagedRows(are_rejects=mended is not None)).preview()
        connection.rollback()
    return facts, found
