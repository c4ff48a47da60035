"""The stage `transform` as a job of its own."""

from __future__ import annotations

from tasks.base import job_task
from tasks.context import JobContext
from tasks.etl.contract import ETL_TRANSFORM, RunParams, StageReport
from tasks.etl.stages.bodies import transform_body
from tasks.etl.stages.context import Watched
from tasks.etl.stages.hold import held_alone, known_run


@job_task(ETL_TRANSFORM)
def run(params: RunParams, job: JobContext) -> StageReport:
    watched = Watched(job, "transform")
    with held_alone(job, known_run(job.db, params.run), watched.tick):
        return transform_body(params, watched)
