"""A body without work."""

from bench.carry.contract import KIND, CarryParams, CarryResult
from tasks.base import job_task
from tasks.context import JobContext


@job_task(KIND)
def run(params: CarryParams, job: JobContext) -> CarryResult:  # noqa: ARG001  # every body has them
    return CarryResult()
