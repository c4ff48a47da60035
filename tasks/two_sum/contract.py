"""What a two-sum job takes and gives."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from tasks.contract import JobKind, Params, Result


def _a_number(value: Any) -> Any:
    """Only what JSON calls a number: no text, no truth values."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004  # pydantic turns ValueError into a named field
    if isinstance(value, float):
        return Decimal(repr(value))
    return value


Number = Annotated[int | Decimal, BeforeValidator(_a_number)]


class TwoSumParams(Params):
    nums: list[Number] = Field(min_length=2, description="The numbers to look through.")
    target: Number = Field(description="The sum that two of them should make; decimals are fine.")


class TwoSumResult(Result):
    found: bool = Field(description="Whether any two numbers add up to the target.")
    indices: list[int] | None = Field(description="Positions of the pair, 0-based, smaller first.")
    numbers: list[int | Decimal] | None = Field(description="The numbers at these positions.")


TWO_SUM = JobKind(
    name="two_sum",
    title="Two-sum scan",
    description="Find the two numbers that add up to a target: the pair that is complete first, reading left to right.",
    params=TwoSumParams,
    result=TwoSumResult,
    body="tasks.two_sum.task",
)
