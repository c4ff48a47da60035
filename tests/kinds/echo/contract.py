"""A tiny kind: it says what it was told."""

from tasks.contract import JobKind, Params, Result


class EchoParams(Params):
    words: str


class EchoResult(Result):
    words: str


KIND = JobKind(
    name="echo",
    title="Echo",
    description="Say what was said.",
    params=EchoParams,
    result=EchoResult,
    body="tests.kinds.echo.task",
)
