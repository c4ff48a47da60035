"""The body of a probe: its row in probe_effects would show a job that took effect twice."""

import io
import os
import signal
import time

from sqlalchemy import text

from core.errors import InvalidInputError, UnavailableError
from tasks.base import job_task
from tests.kinds.probe.contract import KIND, ProbeResult


@job_task(KIND)
def run(params, job):
    job.log.info("probing", attempt=job.attempt)
    if job.attempt <= params.die_until_attempt:
        os.kill(os.getpid(), signal.SIGKILL)
    if params.effect:
        facts = {"job_id": job.id, "attempt": job.attempt}
        job.effects().execute(text("INSERT INTO probe_effects VALUES (:job_id, :attempt, clock_timestamp())"), facts)
    if params.save_bytes:
        job.storage.save(io.BytesIO(bytes(params.save_bytes)))
    _work(params, job)
    if params.fail and job.attempt <= params.fail_until_attempt:
        if params.fail == "retryable":
            raise UnavailableError("the outside is away", retry_after=0)
        if params.fail == "permanent":
            raise InvalidInputError("this can never work", field="label")
        if params.fail == "nul":
            job.log.warning("a NUL: \0", text="\0")
            raise ValueError("no \0 can be stored")
        if params.fail == "untellable":
            raise InvalidInputError("nobody can store why", why=object())
        raise ZeroDivisionError("a mistake of ours")
    return ProbeResult(attempt=job.attempt, label=params.label)


def _work(params, job):
    began = time.monotonic()
    while (done := time.monotonic() - began) < params.seconds:
        if not params.deaf:
            job.tick(done, params.seconds, stage="working", message="probing")
        time.sleep(min(0.05, max(params.seconds - done, 0.001)))
