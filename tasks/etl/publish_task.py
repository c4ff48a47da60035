"""The stage `publish` as a job of its own."""

from __future__ import annotations

from tasks.base import job_task
from tasks.context import JobContext
from tasks.etl.contract import ETL_PUBLISH, RunParams, StageReport
from tasks.etl.stages.bodies import publish_body
from tasks.etl.stages.context import Watched
from tasks.etl.stages.hold import held_alone, known_run


@job_task(ETL_PUBLISH)
def run(params: RunParams, job: JobContext) -> StageReport:
    watched = Watched(job, "publish")
    with held_alone(job, known_run(job.db, params.run), watched.tick):
        return publish_body(params, watched)
