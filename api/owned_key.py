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
    if not is_usable(key):
        raise InvalidInputError(
            f"Idempotency-Key must be 1 to {_LONGEST_KEY} printable characters", field="Idempotency-Key"
        )
    return owned(current_holder().owner, key)


def is_usable(key: str) -> bool:
    return 0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()


def owned(owner: str, key: str) -> str:
    return f"{quote(owner, safe='')}/{key}"
