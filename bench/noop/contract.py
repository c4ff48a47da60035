"""Nothing in, nothing out."""

from tasks.contract import JobKind, Params, Result


class NoopParams(Params):
    """Nothing."""


class NoopResult(Result):
    """Nothing."""


KIND = JobKind(
    name="noop",
    title="No-op",
    description="Do nothing.",
    params=NoopParams,
    result=NoopResult,
    body="bench.noop.task",
)
