"""Everything that can go wrong on purpose, as one small tree.

PlatformError
  InvalidInputError            the request says something that cannot be meant
    UnreadableFileError        a file is not what its name or sender says
    UnsupportedTypeError       a content type nobody here reads
    TooLargeError              over a stated limit
  NotFoundError, GoneError     never there, or not any more
  ForbiddenError, UnauthorizedError
  ConflictError                right request, wrong moment
  RateLimitedError             too many, too fast
  UnavailableError             a dependency is down; the same call may succeed later
    StorageFullError           no room for another file
    UpstreamError              the outside API answered badly or not at all
  JobError                     a job ends for a reason that has a name of its own
"""

from __future__ import annotations

from core.light_types import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, ClassVar


class PlatformError(Exception):
    """Base of all errors that have a public code; `details` are facts a client may show."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidInputError(PlatformError):
    code = "invalid_input"


class UnreadableFileError(InvalidInputError):
    code = "unreadable_file"


class UnsupportedTypeError(InvalidInputError):
    code = "unsupported_type"


class TooLargeError(InvalidInputError):
    code = "too_large"


class NotFoundError(PlatformError):
    code = "not_found"


class GoneError(PlatformError):
    code = "gone"


class UnauthorizedError(PlatformError):
    code = "unauthorized"


class ForbiddenError(PlatformError):
    code = "forbidden"


class ConflictError(PlatformError):
    code = "conflict"


class RateLimitedError(PlatformError):
    code = "rate_limited"


class UnavailableError(PlatformError):
    """A dependency is down; the same call may succeed later."""

    code = "unavailable"
    retryable = True

    def __init__(self, message: str, *, retry_after: int = 2, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class StorageFullError(UnavailableError):
    """Somebody has to make room, or the next purge does."""

    code = "storage_full"


class UpstreamError(UnavailableError):
    code = "upstream"


class TimeLimitError(PlatformError):
    """The job ran longer than its kind may."""

    code = "time_limit"


class MemoryLimitError(PlatformError):
    """The job took more memory than it may."""

    code = "memory_limit"


class PoisonError(PlatformError):
    """The job's process died again and again, so it is not tried any more."""

    code = "poison"
