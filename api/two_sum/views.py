"""`POST /two_sum`, as the clients of the older service know it."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

from flask import Response, request
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from api.jobs.schemas import JobDocument
from api.platform import Platform, current_platform
from api.problem import ProblemError
from api.responses import json_response
from api.two_sum.workbooks import WorkbookPath, answer_of_job, solve_workbook
from core.exact_json import dumps, loads
from models.two_sum_result import keep_answer
from tasks.two_sum.pairs import first_pair

two_sum = APIBlueprint("two_sum", __name__, abp_tags=[Tag(name="Two-sum", description=__doc__)])

_CACHE = "reckoner:two_sum:"


class AnswerDocument(BaseModel):
    indices: list[int] = Field(description="Two positions, the smaller first.")
    numbers: list[Decimal] = Field(description="What is there.")


@two_sum.post(
    "/two_sum", summary="Which two numbers add up to a target?", responses={200: AnswerDocument, 202: JobDocument}
)
def solve() -> Response:
    """`{"nums": [...], "target": n}` or `{"filepath": ..., "target": n}` answers `{"indices", "numbers"}`."""
    body = request.get_json()
    if not isinstance(body, dict):
        raise ProblemError(400, "Invalid input array", "the body must be an object with `nums` and `target`")
    if "filepath" in body:
        return solve_workbook(body, checked_target(body.get("target")))
    nums, target = checked_nums(body.get("nums")), checked_target(body.get("target"))
    platform = current_platform()
    question = hashlib.sha256(dumps([nums, target])).hexdigest()
    answer = _remembered(platform, question)
    if answer is None:
        answer = _answer(nums, target)
        _remember(platform, question, answer)
    with platform.db.connect() as connection:
        keep_answer(
            connection,
            question=question,
            source="array",
            target=str(target),
            indices=answer["indices"] if answer else None,
            numbers=answer["numbers"] if answer else None,
        )
    if not answer:
        raise ProblemError(400, "No valid pair found", f"no two of the {len(nums)} numbers add up to {target}")
    return json_response(answer)


@two_sum.get(
    "/two_sum/<job_id>", summary="The answer of a workbook scan", responses={200: AnswerDocument, 202: JobDocument}
)
def workbook_answer(path: WorkbookPath) -> Response:
    """As `POST /two_sum` would answer; 202 with Location while the job is not over."""
    return answer_of_job(path.job_id)


def checked_nums(nums: Any) -> list[int | Decimal]:
    if not isinstance(nums, list):
        raise ProblemError(400, "Invalid input array", "`nums` must be a list of numbers")
    if len(nums) < 2:  # noqa: PLR2004  # a pair
        raise ProblemError(400, "Invalid input array", f"`nums` must hold at least two numbers; it holds {len(nums)}")
    for position, number in enumerate(nums):
        if not is_number(number):
            raise ProblemError(400, "Invalid input array", f"`nums[{position}]` is not a number: {number!r:.100}")
    return [exact(number) for number in nums]


def checked_target(target: Any) -> int | Decimal:
    if not is_number(target):
        raise ProblemError(400, "Target must be an integer", f"`target` must be a number, not {target!r:.100}")
    return exact(target)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def exact(value: float | Decimal) -> int | Decimal:
    """The number as it was written: 0.1 is a tenth, not the float next to it."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def _answer(nums: list[int | Decimal], target: int | Decimal) -> dict[str, Any]:
    """The pair, or an empty answer when there is none."""
    pair = first_pair(nums, target)
    if pair is None:
        return {}
    return {"indices": list(pair), "numbers": [nums[position] for position in pair]}


def _remembered(platform: Platform, question: str) -> dict[str, Any] | None:
    """Cached values are JSON, never code; a cache that is away costs time, not the answer."""
    if platform.board.is_away:
        return None
    try:
        kept: Any = platform.redis.get(_CACHE + question)
    except RedisError:
        return None
    if kept is None:
        return None
    answer = loads(kept)
    return {**answer, "numbers": [exact(number) for number in answer["numbers"]]} if answer else {}


def _remember(platform: Platform, question: str, answer: dict[str, Any]) -> None:
    if platform.board.is_away:
        return
    try:
        platform.redis.set(_CACHE + question, dumps(answer), ex=int(platform.settings.result_cache.total_seconds()))
    except RedisError:
        return  # asked again, it is computed again
