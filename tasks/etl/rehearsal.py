"""A dry run: read and judge the file, compare it with the ledger, and write nothing."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

from models.etl_run import run_with_key
from models.etl_staging import Staging
from models.ledger import Publication, StagedRows
from tasks.context import JobContext
from tasks.etl.contract import EtlParams, EtlResult, StageReport
from tasks.etl.source import open_transactions
from tasks.etl.stages.context import Watched
from tasks.etl.stages.spool import Spool, SpoolWriter
from tasks.etl.stages.transform import stage_judged
from tasks.etl.stages.workplace import Stopwatch
from tasks.etl.verdicts import Verdicts
from tasks.inputs import Inputs

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
            SpoolWriter(path) as spool,
        ):
            for part in opened.records():
                spool.write(part.batch)
                watched.tick(part.bytes_read, found.bytes, message="reading")
        rows = Spool(path)
        load = StageReport.of({"rows": rows.rows, **watch.facts(rows.rows)})
        watch = Stopwatch()
        with Verdicts(rows, params.settings, Path(folder), watched.tick) as verdicts:
            verdicts.look_around()
            facts, known, taken, known_rejects = _compare(job, verdicts)
    judged = StageReport.of({**facts, **watch.facts(rows.rows)})
    charges = facts["charges"] - known - taken
    rejected = facts["rejected"] + taken - known_rejects
    return EtlResult(
        run=earlier.id if earlier else None,
        outcome="rehearsed",
        raw_rows=charges + rejected,
        charges_added=charges,
        rows_rejected=rejected,
        rows_known=known + known_rejects,
        rows_repaired=facts["repaired"],
        reasons={**facts["reasons"], **({"id_taken": taken} if taken else {})},
        stages={"load": load, "transform": judged},
    )


def _compare(job: JobContext, verdicts: Verdicts) -> tuple[dict[str, Any], int, int, int]:
    """Judge into tables of a transaction that never commits, and look what the ledger has of it."""
    with job.db.transaction() as connection:
        number = _BEYOND_LOADS + random.randrange(_BEYOND_LOADS)
        Staging(number).create_raw(connection)
        facts = stage_judged(connection, number, verdicts)
        found = Publication(connection, number, lambda: None, StagedRows()).preview()
        connection.rollback()
    return facts, *found
