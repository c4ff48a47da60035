"""What can go wrong with an outside API, told apart by who can do something about it."""

from math import ceil

from core.errors import UpstreamError


class ExternalError(UpstreamError):
    """The outside API did not give a usable answer."""

    code = "external_failed"


class ExternalConnectionError(ExternalError):
    """No answer at all: no connection, a reset, or a time-out."""

    code = "external_unreachable"


class ExternalAnswerError(ExternalError):
    """An answer other than 2xx; `status` is the outside API's own."""

    code = "external_refused"

    def __init__(self, message: str, *, status: int, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=ceil(retry_after or 2), status=status)
        self.status = status
        self.asked_to_wait = retry_after

    @property
    def is_transient(self) -> bool:
        """429 and 5xx pass; any other refusal will be the same the next time."""
        return self.status == 429 or self.status >= 500  # noqa: PLR2004 - HTTP's own numbers


class ExternalBodyError(ExternalError):
    """An answer that is not the JSON it should be."""

    code = "external_unreadable"


class PrivateAddressError(ExternalError):
    """A redirect led to an address inside, where an outside API has no business."""

    code = "external_redirect_refused"
    retryable = False


class TooManyBytesError(ExternalBodyError):
    """A body beyond the limit; reading it again would not make it smaller."""

    code = "external_too_large"
    retryable = False
