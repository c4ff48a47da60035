"""A moment of work, kept for a moment."""

from datetime import timedelta

from tasks.contract import JobKind, Params, Result, Retention

_KEPT = timedelta(seconds=20)


class BriefParams(Params):
    seconds: float = 0


class BriefResult(Result):
    seconds: float


KIND = JobKind(
    name="brief",
    title="Brief",
    description="Work for a moment, and be forgotten soon.",
    params=BriefParams,
    result=BriefResult,
    retention=Retention(succeeded=_KEPT, failed=_KEPT, cancelled=_KEPT),
    body="bench.brief.task",
)
