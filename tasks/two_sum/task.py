"""The body of a two-sum job."""

from __future__ import annotations

from tasks.base import job_task
from tasks.context import JobContext
from tasks.memory import memory_limit
from tasks.two_sum.contract import TWO_SUM, TwoSumParams, TwoSumResult
from tasks.two_sum.desk import Desk
from tasks.two_sum.file_job import answer_from_files
from tasks.two_sum.in_memory import answer_from_numbers


@job_task(TWO_SUM)
def run(params: TwoSumParams, job: JobContext) -> TwoSumResult:
    if params.nums is not None:
        result = answer_from_numbers(params)
        job.log.info("scanned", numbers=len(params.nums), found=result.found)
        return result
    with memory_limit(job.settings.heavy_memory_mb):
        return answer_from_files(params, Desk(job))
