"""A body that ticks and logs a little."""

import time

from bench.brief.contract import KIND, BriefParams, BriefResult
from tasks.base import job_task
from tasks.context import JobContext


@job_task(KIND)
def run(params: BriefParams, job: JobContext) -> BriefResult:
    job.log.info("begun", attempt=job.attempt)
    began = time.monotonic()
    while (done := time.monotonic() - began) < params.seconds:
        job.tick(done, params.seconds, stage="working")
        time.sleep(0.02)
    return BriefResult(seconds=params.seconds)
