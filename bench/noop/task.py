"""The body that does nothing."""

from bench.noop.contract import KIND, NoopParams, NoopResult
from tasks.base import job_task
from tasks.context import JobContext


@job_task(KIND)
def run(params: NoopParams, job: JobContext) -> NoopResult:  # noqa: ARG001  # it does nothing with them
    return NoopResult()
