"""The body of the tiny kind."""

from tasks.base import job_task
from tests.kinds.echo.contract import KIND, EchoResult


@job_task(KIND)
def run(params, job):
    job.log.info("echoed", words=params.words)
    return EchoResult(words=params.words)
