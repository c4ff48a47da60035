"""What a probe can be asked to do."""

from datetime import timedelta
from typing import Literal

from tasks.contract import JobKind, Params, Result, RetryPolicy


class ProbeParams(Params):
    seconds: float = 0  # of work, ticking unless deaf
    deaf: bool = False  # never ticks, so never hears a cancel
    effect: bool = True  # leaves a row in probe_effects
    fail: Literal["", "retryable", "permanent", "bug", "nul", "untellable"] = ""
    fail_until_attempt: int = 0  # with fail: attempts up to this one fail
    die_until_attempt: int = 0  # attempts up to this one kill their own process
    save_bytes: int = 0  # kept in the storage
    label: str = ""


class ProbeResult(Result):
    attempt: int
    label: str


KIND = JobKind(
    name="probe",
    title="Probe",
    description="Sleep, fail, die or leave a row, as a test asks.",
    params=ProbeParams,
    result=ProbeResult,
    body="tests.kinds.probe.task",
    time_limit=timedelta(minutes=5),
    retry=RetryPolicy(max_attempts=3, first_wait=timedelta(milliseconds=200)),
)
