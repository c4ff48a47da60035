"""The number sets as a request works with them: refusals are counted, and answered as older clients know them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast

from flask import current_app

from api.number_set.schemas import DEFAULT, DEFAULT_MAXIMUM
from api.platform import current_platform
from api.problem import ProblemError
from core.errors import ConflictError, InvalidInputError, PlatformError, UnavailableError
from core.number_set import NumberAlreadyExtractedError, NumberOutOfRangeError, SharedNumberSets

_EXTENSION = "reckoner.number_sets"
_guard = threading.Lock()
_NUMBER = re.compile(r"[+-]?[0-9]{1,4000}", re.ASCII)


def current_sets() -> SharedNumberSets:
    """Made by the first request that asks; the set of the older routes is always there."""
    made = current_app.extensions.get(_EXTENSION)
    if made is None:
        with _guard:
            made = current_app.extensions.get(_EXTENSION)
            if made is None:
                made = SharedNumberSets(current_platform().redis, always={DEFAULT: DEFAULT_MAXIMUM})
                current_app.extensions[_EXTENSION] = made
    return cast("SharedNumberSets", made)


@contextmanager
def counted(name: str) -> Iterator[SharedNumberSets]:
    """Count what is refused under its code; a summary that cannot be written must not change the answer."""
    try:
        yield current_sets()
    except PlatformError as error:
        answer = _as_older_clients_know(error)
        if not isinstance(error, UnavailableError):
            with suppress(PlatformError):
                current_sets().note_error(name, answer.error if isinstance(answer, ProblemError) else error.code)
        raise answer from error


def number_from(text: str) -> int:
    """The number in a path, or the 422 that says it is none."""
    if not _NUMBER.fullmatch(text):
        message = f"{text[:80]!r} is not an integer"
        wrong = [{"loc": ["number"], "msg": message, "type": "int_parsing"}]
        raise ProblemError(422, "VALIDATION_ERROR", message, validation_errors=wrong)
    return int(text)


def _as_older_clients_know(error: PlatformError) -> PlatformError:
    """Their codes are capitals under `error`, and a number out of range is 400."""
    match error:
        case NumberOutOfRangeError():
            return ProblemError(400, error.code, error.message, code=error.code.lower(), **error.details)
        case NumberAlreadyExtractedError():
            return ProblemError(409, error.code, error.message, code=error.code.lower(), **error.details)
        case InvalidInputError() | ConflictError() if error.code.isupper():
            return ProblemError(422, error.code, error.message, code=error.code.lower(), **error.details)
        case _:
            return error
