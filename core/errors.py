"""The errors of the platform: a small tree, made into HTTP answers and retry decisions elsewhere."""

from typing import Any, ClassVar


class PlatformError(Exception):
    """Something the platform can say in plain words; `code` is public and never changes."""

    code: ClassVar[str] = "platform_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidInputError(PlatformError):
    """The caller's input is wrong; the message names the value and the way out."""

    code = "invalid_input"


class NotFoundError(PlatformError):
    """There is no such thing."""

    code = "not_found"


class TooLargeError(PlatformError):
    """More than a limit allows."""

    code = "too_large"


class UnsupportedTypeError(PlatformError):
    """A kind of file nobody here reads."""

    code = "unsupported_type"


class UnreadableFileError(PlatformError):
    """A file is damaged, encrypted, hostile or not what its name says."""

    code = "unreadable_file"
