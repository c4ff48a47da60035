"""The Idempotency-Key of a request that Redis answers, one owner's apart from another's."""

from __future__ import annotations

from urllib.parse import quote

from flask import request

from api.platform import current_holder
from core.errors import InvalidInputError

_LONGEST_KEY = 200


def owned_key() -> str | None:
    """Owner and key as one text, or None where the request has no key."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 0 < len(key) <= _LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise InvalidInputError(
            f"Idempotency-Key must be 1 to {_LONGEST_KEY} printable characters", field="Idempotency-Key"
        )
    return f"{quote(current_holder().owner, safe='')}/{key}"
