"""Forms that may be sent twice and act once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flask import request

from core.errors import ConflictError

_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)


def once_from_form(act: Callable[[], Any]) -> Any:
    """A form cannot send a header: its hidden field is the Idempotency-Key.

    A second click comes while the first is being answered: it waits for that answer, which is then its own.
    """
    request.get_data()  # kept, because the fingerprint of a repeated request is made from it
    key = request.form.get("once")
    if key:
        request.environ["HTTP_IDEMPOTENCY_KEY"] = key
    for pause in _PAUSES:
        try:
            return act()
        except ConflictError as error:
            if "Idempotency-Key" not in error.message:
                raise
            time.sleep(pause)
    return act()
