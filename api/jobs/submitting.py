"""From a request to a queued job and its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from flask import g, request
from pydantic import ValidationError
from sqlalchemy import Connection

from api.idempotency import Answer
from api.jobs.schemas import SubmitBody
from api.platform import current_holder, current_platform
from api.waiting import wait_for
from core.errors import InvalidInputError, PlatformError
from models.api_key import Role
from tasks.board import public_body
from tasks.inputs import Inputs, check_inputs
from tasks.registry import Registry
from tasks.submission import Submission, Submitted, checked_params, described, submit

_PREFER_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d+)")


def submit_now(connection: Connection, wanted: Submission) -> Submitted:
    """Insert the job and remember to hand it to the publisher once this request's transaction is through."""
    publisher = current_platform().publisher
    submitted = submit(connection, wanted, published=publisher.takes_more)
    made: list[Submitted] = g.setdefault("submitted", [])
    made.append(submitted)
    return submitted


def hand_over() -> None:
    """After the commit: publish what was submitted. Runs for every request that came through without an error."""
    platform = current_platform()
    for submitted in g.pop("submitted", ()):
        if submitted.created:
            platform.publisher.hand_over(submitted.job)
        if submitted.replaced is not None:
            platform.lifecycle.show(submitted.replaced)


@dataclass(frozen=True)
class Asking:
    """Who sent this request: looked up once, however many jobs it asks for."""

    registry: Registry
    inputs: Inputs
    owner: str
    request_id: str
    traceparent: str

    @classmethod
    def now(cls) -> Self:
        platform, holder = current_platform(), current_holder()
        inputs = Inputs(platform.runtime, holder.owner, sees_all=holder.role.covers(Role.OPERATOR))
        return cls(platform.registry, inputs, holder.owner, g.request_id, g.traceparent)

    def submission(self, kind_name: str, params: Any, **facts: Any) -> Submission:
        kind = self.registry[kind_name]
        understood = checked_params(kind, params)
        check_inputs(kind, understood, self.inputs)
        return Submission(
            kind=kind,
            params=understood,
            owner=self.owner,
            request_id=self.request_id,
            traceparent=self.traceparent,
            **facts,
        )

    def item(self, item: dict[str, Any]) -> Submission | dict[str, Any]:
        """One item of a batch as a submission, or why it is none."""
        try:
            body = SubmitBody.model_validate(item)
            if body.unique is not None:
                raise InvalidInputError("`unique` is for single submits")
            if self.registry[body.kind].exclusive:
                raise InvalidInputError(f"jobs of kind {body.kind!r} exclude each other: submit one by itself")
            return self.submission(
                body.kind, body.params, priority=body.priority, tags=tuple(body.tags), run_at=body.run_at
            )
        except ValidationError as error:
            return {"error": "the item does not fit", "details": {"validation_errors": described(error)}}
        except PlatformError as error:
            return {"error": error.message, "details": error.details}


def submission(kind_name: str, params: Any, **facts: Any) -> Submission:
    """A submission by whoever sent this request."""
    return Asking.now().submission(kind_name, params, **facts)


def accepted(submitted: Submitted) -> Answer:
    """202 with where to look; 200 when the job was there already."""
    job = submitted.job
    headers = {"Location": f"/api/v1/jobs/{job.id}", "Retry-After": "1"}
    return Answer(202 if submitted.created else 200, public_body(job), headers)


def wait_as_preferred(job_id: UUID | str) -> None:
    """`Prefer: wait=N` on a submit: answer with the job when it ends in time."""
    match = _PREFER_WAIT.search(request.headers.get("Prefer", ""))
    if match is None:
        return
    limit = current_platform().settings.wait_limit.total_seconds()
    wait_for(str(job_id), min(float(match[1][:9]), limit), then=f"/api/v1/jobs/{job_id}?preferred=1")


def bounded_wait(seconds: float | None) -> float:
    limit = current_platform().settings.wait_limit.total_seconds()
    if seconds is None:
        return 0.0
    if seconds > limit:
        raise InvalidInputError(f"wait may be {limit:g} seconds at most", wait=seconds)
    return seconds
