"""The number sets as a request works with them: refusals are counted, and answered as older clients know them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import cast

from flask import current_app

from api.history import keep_moving
from api.number_set.history import NumberHistory
from api.number_set.schemas import DEFAULT, DEFAULT_MAXIMUM
from api.platform import Platform, current_platform
from api.problem import ProblemError
from core.errors import ConflictError, InvalidInputError, NotFoundError, PlatformError, UnavailableError
from core.number_set import JOURNAL, NumberAlreadyExtractedError, NumberOutOfRangeError, SharedNumberSets

_EXTENSION = "reckoner.number_sets"
_guard = threading.Lock()
_NUMBER = re.compile(r"[+-]?[0-9]{1,4000}", re.ASCII)


@dataclass(frozen=True)
class SetService:
    """What the views of the number sets work with."""

    sets: SharedNumberSets
    history: NumberHistory


def current_sets() -> SharedNumberSets:
    return current_service().sets


def current_service() -> SetService:
    """Made by the first request that asks, so that a process which serves no sets has no thread for them."""
    made = current_app.extensions.get(_EXTENSION)
    if made is None:
        with _guard:
            made = current_app.extensions.get(_EXTENSION)
            if made is None:
                made = current_app.extensions[_EXTENSION] = _make(current_platform())
    return cast("SetService", made)


def _make(platform: Platform) -> SetService:
    """The set of the older routes is always there."""
    always, history = {DEFAULT: DEFAULT_MAXIMUM}, NumberHistory(platform.db)
    sets = SharedNumberSets(platform.redis, always=always, node_id=platform.settings.node_id, history=history)
    keep_moving(platform.redis, JOURNAL, history, name="number-journal", waits="number_journal_waits")
    return SetService(sets, history)


@contextmanager
def counted(name: str) -> Iterator[SharedNumberSets]:
    """Count what a set refuses under its code; a summary that cannot be written must not change the answer.

    What is asked of a set that is not there is no refusal of its, and would leave a key for each name that is tried.
    """
    try:
        yield current_sets()
    except PlatformError as error:
        answer = _as_older_clients_know(error)
        if not isinstance(error, UnavailableError | NotFoundError):
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
