"""The stage `load` as a job of its own."""

from __future__ import annotations

from tasks.base import job_task
from tasks.context import JobContext
from tasks.etl.contract import ETL_LOAD, FileParams, LoadResult
from tasks.etl.stages.bodies import load_body
from tasks.etl.stages.context import Watched
from tasks.etl.stages.hold import held_alone, run_of
from tasks.inputs import Inputs


@job_task(ETL_LOAD)
def run(params: FileParams, job: JobContext) -> LoadResult:
    watched = Watched(job, "load")
    run = run_of(
        job.db, Inputs(job, job.owner).find(file=params.file, filepath=params.filepath), params.settings, job.owner
    )
    with held_alone(job, run, watched.tick):
        return load_body(params, watched)
