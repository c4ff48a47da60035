"""`Idempotency-Key`: a repeated POST gets the first answer again, and does nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Response, request
from sqlalchemy import Connection

from api.audit.recording import write_down
from api.platform import current_holder, current_platform
from core.errors import ConflictError, InvalidInputError
from models import idempotency

_LONGEST_KEY = 200


@dataclass(frozen=True)
class Answer:
    """A response that can be kept."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def response(self, *, replayed: bool = False) -> Response:
        headers = {**self.headers, "Idempotent-Replayed": "true"} if replayed else self.headers
        return Response(self.body, self.status, headers, content_type="application/json")


def once(make: Callable[[Connection], Answer], *, atomic: bool = False) -> Response:
    """Answer with what `make` does on the given connection, at most once per key.

    With a key, the effect and the kept answer are one transaction. Without one, each statement commits by itself,
    unless `make` needs several and asks to be `atomic`.
    """
    key = request.headers.get("Idempotency-Key")
    db = current_platform().db
    if key is None:
        with db.transaction() if atomic else db.connect() as connection:
            answer = make(connection)
            write_down(connection)
        return answer.response()
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise InvalidInputError(f"Idempotency-Key must be 1 to {_LONGEST_KEY} printable characters")
    owner = current_holder().owner
    with db.transaction() as connection:
        if not idempotency.try_lock(connection, owner, key):
            message = "a request with this Idempotency-Key is still being answered; ask again in a moment"
            raise ConflictError(message, in_flight=True)  # clients wait for that answer, unlike for other conflicts
        kept = idempotency.recall(connection, owner, key)
        fingerprint = _fingerprint()
        if kept is not None:
            if kept.fingerprint != fingerprint:
                raise InvalidInputError("this Idempotency-Key was used for another request; take a new one")
            return Answer(kept.status, bytes(kept.body), dict(kept.headers)).response(replayed=True)
        answer = make(connection)
        write_down(connection)
        idempotency.remember(
            connection,
            owner,
            key,
            fingerprint=fingerprint,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
        )
    return answer.response()


def _fingerprint() -> str:
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.get_data()).hexdigest()
