"""The stage `extract` as a job of its own."""

from __future__ import annotations

from tasks.base import job_task
from tasks.context import JobContext
from tasks.etl.contract import ETL_EXTRACT, ExtractParams, StageReport
from tasks.etl.stages.bodies import extract_body
from tasks.etl.stages.context import Watched
from tasks.etl.stages.hold import held_alone, known_run


@job_task(ETL_EXTRACT)
def run(params: ExtractParams, job: JobContext) -> StageReport:
    watched = Watched(job, "extract")
    with held_alone(job, known_run(job.db, params.run), watched.tick):
        return extract_body(params, watched)
