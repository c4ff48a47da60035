"""The bodies of the stage jobs, whether a client asked for one stage or the whole run does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from core.errors import PlatformError
from models.etl_run import EtlRun, RunStatus, fail_run, note_stage
from models.etl_staging import Staging
from tasks.etl.contract import ExtractParams, FileParams, LoadResult, RunParams, StageReport
from tasks.etl.stages.context import Watched
from tasks.etl.stages.extract import STAGE, Filters, extract
from tasks.etl.stages.hold import known_run, run_of
from tasks.etl.stages.load import load
from tasks.etl.stages.publish import publish
from tasks.etl.stages.transform import transform
from tasks.inputs import Inputs

MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def load_body(params: FileParams, watched: Watched) -> LoadResult:
    inputs = Inputs(watched.job, watched.job.owner)
    found = inputs.find(file=params.file, filepath=params.filepath)
    run = run_of(watched.job.db, found, params.settings, watched.job.owner)
    report = dict(run.stages.get("load") or {})
    if not report.get("done"):
        try:
            with inputs.local(found) as path:
                report = load(watched.place, run, path)
        except PlatformError as error:
            if not error.retryable:
                give_up(watched, run, error.message)
            raise
    watched.job.log.info("loaded", rows=report["rows"], problems=report["problems"], run=str(run.id))
    return LoadResult(run=run.id, **StageReport.of(report).model_dump())


def give_up(watched: Watched, run: EtlRun, why: str) -> None:
    """A file that cannot be read leaves nothing behind, and may be sent again when it is mended."""
    with watched.job.db.transaction() as connection:
        fail_run(connection, run.id, why)
        Staging(run.load_id).drop(connection)
    watched.place.forget_spool(run.id)


def extract_body(params: ExtractParams, watched: Watched) -> StageReport:
    run = known_run(watched.job.db, params.run)
    filters = Filters(params.company_id, params.status, params.created_from, params.created_to)
    name = f"{Path(run.file_name).stem}-raw.{params.format}"
    place = watched.place
    place.spool_of(run.id)  # makes the folder
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        target = Path(folder) / name
        report = extract(place, run, target, as_csv=params.format == "csv", filters=filters)
        watched.job.save_artifact(target, name, MEDIA[params.format])
    report = {**report, "artifact": name, "media_type": MEDIA[params.format]}
    note_stage(watched.job.effects(), run.id, STAGE, report)
    return StageReport.of(report)


def transform_body(params: RunParams, watched: Watched) -> StageReport:
    run = known_run(watched.job.db, params.run)
    report = transform(watched.place, run)
    watched.job.log.info("judged", rows=report["rows"], reasons=report["reasons"], notes=report["notes"])
    return StageReport.of(report)


def publish_body(params: RunParams, watched: Watched) -> StageReport:
    run = known_run(watched.job.db, params.run)
    report: dict[str, Any] = publish(watched.place, run, watched.job.effects())
    if run.status != RunStatus.PUBLISHED:
        watched.job.log.info("published", added=report["charges_added"], rejected=report["rejected"])
    return StageReport.of(report)
