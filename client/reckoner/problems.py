"""Everything the client can raise, as one small tree.

ReckonerError
  UnreachableError        no answer, after all tries
  ProblemError            the platform answered with a problem document
    InvalidRequestError   400, 413, 415, 422: the request cannot be meant so
    RefusedError          401, 403: not with this key
    MissingError          404, 410: never there, or not any more
    StateError            409: right request, wrong moment
    BusyError             429, 503: later
  JobEndedError           the job that was waited for has no result
    JobFailedError
    JobCancelledError
  WaitTimeoutError        the job goes on; we stopped waiting
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .records import Job


class ReckonerError(Exception):
    """Base of all errors of this client; `message` is for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnreachableError(ReckonerError):
    """Nothing answered at `url`, so nobody knows whether the request arrived; the same call is safe to repeat."""

    def __init__(self, url: str, reason: str, request_id: str) -> None:
        super().__init__(f"cannot reach {url}: {reason} (request {request_id})")
        self.url = url
        self.reason = reason
        self.request_id = request_id


class ProblemError(ReckonerError):
    """An RFC 9457 answer: its members, and the request's id to look it up in the platform's logs."""

    def __init__(self, status: int, document: dict[str, Any], request_id: str) -> None:
        self.status = status
        self.document = document
        self.type = str(document.get("type") or "about:blank")
        self.code = self.type.rpartition("/")[2]
        self.title = str(document.get("title") or f"HTTP {status}")
        self.details: dict[str, Any] = document.get("details") or {}
        self.request_id = request_id
        said = document.get("message") or document.get("detail") or self.title
        lines = [f"{status} {self.title}: {said} (request {request_id})", *self.wrong_fields()]
        super().__init__("\n".join(lines))

    def wrong_fields(self) -> list[str]:
        """One line for each field that was refused."""
        wrong = self.details.get("validation_errors") or []
        return [f"  {'.'.join(map(str, item.get('loc', ()))) or 'body'}: {item.get('msg')}" for item in wrong]


class InvalidRequestError(ProblemError):
    pass


class RefusedError(ProblemError):
    pass


class MissingError(ProblemError):
    pass


class StateError(ProblemError):
    pass


class BusyError(ProblemError):
    pass


_CLASSES: dict[int, type[ProblemError]] = {
    **dict.fromkeys((400, 413, 415, 422), InvalidRequestError),
    **dict.fromkeys((401, 403), RefusedError),
    **dict.fromkeys((404, 410), MissingError),
    409: StateError,
    **dict.fromkeys((429, 503), BusyError),
}


def problem_of(status: int, body: bytes, request_id: str) -> ProblemError:
    """The error for an answer; whatever stands between us and the platform may answer without a document."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        document = {"message": body[:200].decode(errors="replace").strip()}
    return _CLASSES.get(status, ProblemError)(status, document, request_id)


class JobEndedError(ReckonerError):
    """The job ended without a result; `job` is its last state."""

    def __init__(self, job: Job) -> None:
        self.job = job
        error = job.error or {}
        self.code = str(error.get("code") or job.status)
        why = error.get("message") or job.cancel_reason or "no reason was given"
        super().__init__(f"job {job.id} ({job.kind}) {job.status}: {why}")


class JobFailedError(JobEndedError):
    pass


class JobCancelledError(JobEndedError):
    pass


class WaitTimeoutError(ReckonerError):
    def __init__(self, job: Job, seconds: float) -> None:
        super().__init__(f"job {job.id} ({job.kind}) is still {job.status} after {seconds:g} s; it goes on")
        self.job = job
