"""A text in, nothing out."""

from tasks.contract import JobKind, Params, Result


class CarryParams(Params):
    text: str


class CarryResult(Result):
    """Nothing."""


KIND = JobKind(
    name="carry",
    title="Carry",
    description="Carry a text and do nothing.",
    params=CarryParams,
    result=CarryResult,
    body="bench.carry.task",
)
