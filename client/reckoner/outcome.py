"""What a command's end says to scripts: one exit code per outcome, the same for every command."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

from .problems import (
    BusyError,
    InvalidRequestError,
    JobCancelledError,
    JobEndedError,
    ProblemError,
    ReckonerError,
    UnreachableError,
    WaitTimeoutError,
)
from .records import Job, JobStatus


class Exit(IntEnum):
    SUCCEEDED = 0
    FAILED = 1
    USAGE = 2
    CANCELLED = 3
    TIMED_OUT = 4
    UNREACHABLE = 5
    REFUSED = 6


_CODES: tuple[tuple[type[ReckonerError], Exit], ...] = (
    (JobCancelledError, Exit.CANCELLED),
    (JobEndedError, Exit.FAILED),
    (WaitTimeoutError, Exit.TIMED_OUT),
    (UnreachableError, Exit.UNREACHABLE),
    (BusyError, Exit.UNREACHABLE),
    (InvalidRequestError, Exit.USAGE),
)
_SERVER_ERROR = 500


def code_of(error: ReckonerError) -> Exit:
    for cls, code in _CODES:
        if isinstance(error, cls):
            return code
    if isinstance(error, ProblemError):
        return Exit.UNREACHABLE if error.status >= _SERVER_ERROR else Exit.REFUSED
    return Exit.FAILED


def code_of_job(job: Job) -> Exit:
    return {JobStatus.FAILED: Exit.FAILED, JobStatus.CANCELLED: Exit.CANCELLED}.get(job.status, Exit.SUCCEEDED)


def describe(error: ReckonerError, *, as_json: bool) -> str:
    if not as_json:
        return f"reckoner: {error.message}{_way_out(error)}"
    facts: dict[str, Any] = {"error": type(error).__name__, "message": error.message, "exit_code": int(code_of(error))}
    if isinstance(error, ProblemError):
        facts |= {"status": error.status, "code": error.code, "details": error.details}
    if isinstance(error, ProblemError | UnreachableError):
        facts["request_id"] = error.request_id
    return json.dumps(facts, default=str)


def _way_out(error: ReckonerError) -> str:
    if isinstance(error, UnreachableError):
        return "\nStart the platform with `reckoner up`, or name another with --url or RECKONER_URL."
    if isinstance(error, ProblemError) and error.status == 401:  # noqa: PLR2004
        return "\nGive a key with RECKONER_API_KEY; `reckoner keys create --local` makes one beside the database."
    return ""
