"""The body of a two-sum job."""

from __future__ import annotations

from tasks.base import job_task
from tasks.context import JobContext
from tasks.two_sum.contract import TWO_SUM, TwoSumParams, TwoSumResult
from tasks.two_sum.pairs import first_pair


@job_task(TWO_SUM)
def run(params: TwoSumParams, job: JobContext) -> TwoSumResult:
    pair = first_pair(params.nums, params.target)
    job.log.info("scanned", numbers=len(params.nums), found=pair is not None)
    if pair is None:
        return TwoSumResult(found=False, indices=None, numbers=None)
    return TwoSumResult(found=True, indices=list(pair), numbers=[params.nums[position] for position in pair])
