"""The whole ETL as one job that runs its stages as child jobs, one after the other, in its own process."""

from __future__ import annotations

from tasks.base import job_task
from tasks.context import JobContext
from tasks.etl.contract import ETL, EtlParams, EtlResult
from tasks.etl.pipeline import Pipeline
from tasks.etl.rehearsal import rehearse


@job_task(ETL)
def run(params: EtlParams, job: JobContext) -> EtlResult:
    return rehearse(params, job) if params.dry_run else Pipeline(params, job).run()
