"""Find a run's spool, or make a lost one again from the raw rows: a cleaned folder costs only time."""

from __future__ import annotations

from core.errors import ConflictError
from models.etl_raw_out import raw_rows
from models.etl_run import EtlRun, RunStatus
from tasks.etl.arrow import pa
from tasks.etl.records import SCHEMA
from tasks.etl.stages.spool import Spool, survey_of, surveyed
from tasks.etl.stages.workplace import Workplace
from tasks.etl.survey import rows_since_boot


def spool_of(place: Workplace, run: EtlRun) -> Spool:
    """The run's raw rows as a spool that is known to be whole."""
    if run.status == RunStatus.FAILED:
        why = run.stages.get("error", "its file could not be read")
        raise ConflictError(f"run {run.id} has failed: {why}. Load its file again.", run=str(run.id))
    report = run.stages.get("load") or {}
    if not report.get("done"):
        raise ConflictError(f"run {run.id} is not loaded yet: run its load stage first", run=str(run.id))
    path = place.spool_of(run.id)
    if path.exists() and rows_since_boot(survey_of(path)) == report["rows"]:
        return Spool(path)
    done = 0
    with place.transaction() as connection, surveyed(path, lambda: place.tick(done, report["rows"])) as writer:
        for rows in raw_rows(connection, run.load_id):
            columns = [
                pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)
            ]
            writer.write(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))
            done += len(rows)
            place.tick(done, report["rows"], message="reading raw rows back")
    return Spool(path)
