"""`POST /two_sum` with a workbook: a job, waited for within bounds, answered as the older service did."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from api.jobs.reading import fetch_job, job_response
from api.jobs.submitting import submission, submit_now
from api.platform import Platform, current_holder, current_platform
from api.problem import ProblemError
from api.responses import json_response
from api.waiting import wait_for
from core.errors import InvalidInputError
from models.job import Job, JobStatus
from models.two_sum_result import keep_answer
from tasks.inputs import Inputs
from tasks.two_sum.contract import TWO_SUM, TwoSumParams, TwoSumResult
from tasks.two_sum.remembering import PREFIX, Remembered, question_of

_COLUMN = "Numbers"
_BAD_FILE = "Invalid Excel file format"
_FILE_FAULTS = {"unreadable_file", "unsupported_type", "invalid_input", "too_large"}


class WorkbookPath(BaseModel):
    job_id: UUID = Field(description="The scan's job.")


def solve_workbook(body: dict[str, Any], target: int | Decimal) -> Response:
    """The remembered answer, or a job's; 202 with Location when it takes longer than the route waits."""
    platform = current_platform()
    asked = {name: body[name] for name in ("filepath", "sheet", "column") if body.get(name) is not None}
    params = {"column": _COLUMN, **asked, "target": target}
    try:
        wanted = submission(TWO_SUM.name, params)
        understood = TwoSumParams.model_validate(wanted.params)
        known = _remembered(platform, understood)
    except InvalidInputError as error:
        raise _bad_file(error.message, error.details) from error
    if known is not None:
        question, result = known
        with platform.db.connect() as connection:
            keep_answer(
                connection,
                question=question,
                source=str(understood.filepath),
                target=str(target),
                indices=result.indices,
                numbers=result.numbers,
            )
        return _answer(result, target)
    with platform.db.connect() as connection:
        job = submit_now(connection, wanted).job
    wait_for(str(job.id), platform.settings.route_wait.total_seconds(), then=f"/two_sum/{job.id}")
    return _not_yet(job)


def answer_of_job(job_id: UUID) -> Response:
    job = fetch_job(job_id, whole=True)
    status = JobStatus(job.status)
    if job.kind != TWO_SUM.name or not status.is_final:
        return _not_yet(job)
    if status is JobStatus.SUCCEEDED:
        return _answer(TwoSumResult.model_validate(job.result), job.params.get("target"))
    failure = job.error or {}
    message = str(failure.get("message") or f"the scan was {status}")
    if failure.get("code") in _FILE_FAULTS:
        raise _bad_file(message, failure.get("details") or {})
    raise ProblemError(500, "Scan failed", message, job_id=str(job.id))


def _not_yet(job: Job) -> Response:
    response = job_response(job.id, 202)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return response


def _answer(result: TwoSumResult, target: Any) -> Response:
    if not result.found:
        rows = result.report.rows_read if result.report else 0
        raise ProblemError(400, "No valid pair found", f"no two of the {rows} numbers add up to {target}")
    return json_response({"indices": result.indices, "numbers": result.numbers})


def _bad_file(message: str, details: dict[str, Any]) -> ProblemError:
    return ProblemError(400, _BAD_FILE, message, detail=message, **details)


def _remembered(platform: Platform, params: TwoSumParams) -> tuple[str, TwoSumResult] | None:
    if platform.board.is_away:
        return None
    question = question_of(params, Inputs(platform.runtime, current_holder().owner))
    try:
        kept: Any = platform.redis.get(PREFIX + question)
    except RedisError:
        return None
    return None if kept is None else (question, Remembered.model_validate_json(kept).result)
