"""Ordinary adds without Flask: answered on the event loop, so that all adds of a moment share one round trip to Redis.

What is in any way unusual is left to Flask, whose views answer the same: another method or body, an unknown key, an
origin, a rate limit.
"""

from __future__ import annotations

import io
import time
from typing import Any

from flask import Flask

from api import metrics
from api.abacus.schemas import DEFAULT
from api.abacus.service import sums_of
from api.ordinary import Ordinary, Quick, said
from api.owned_key import is_usable, owned
from api.platform import Platform
from api.request_id import request_id
from api.together import Together
from core.clock import iso
from core.errors import InvalidInputError
from core.exact_json import dumps, loads
from core.running_sum import HIGHEST, LOWEST, Answer, Move, MoveKind, is_name
from core.trace import continued

_OLDER, _NAMED = "/abacus/number", "/api/v1/abacus/"
_ROUTES = {True: _OLDER, False: "/api/v1/abacus/<name>"}
_LONGEST_BODY = 1024


class AddLane:
    """Adds of one process, in the order in which they came."""

    def __init__(self, app: Flask, platform: Platform) -> None:
        self._app = app
        self._platform = platform
        self._ordinary = Ordinary(app, platform)
        self._line: Together[tuple[str, Move], Answer] | None = None

    async def answer(self, environ: dict[str, Any]) -> Quick | None:
        """The whole answer of an ordinary add, or None: then Flask sees the request as if nothing had been here."""
        began = time.perf_counter()
        body = environ["wsgi.input"]
        asked = self._understood(environ, body.getvalue()) if isinstance(body, io.BytesIO) else None
        if asked is None:
            return None
        name, move = asked
        if self._line is None:
            self._line = Together(sums_of(self._app, self._platform).sums.apply, "sums")
        try:
            answer = await self._line.ask((name, move))
        except Exception as error:  # noqa: BLE001 - Flask's own handlers answer it, as they would a view's
            return self._ordinary.refused(environ, error)
        headers = said(request_id(environ.get("HTTP_X_REQUEST_ID", "")), continued(environ.get("HTTP_TRACEPARENT")))
        if answer.is_replay:
            headers.append(("Idempotent-Replayed", "true"))
        route = _ROUTES[environ["PATH_INFO"] == _OLDER]
        metrics.HTTP.labels("POST", route, "200").observe(time.perf_counter() - began)
        return 200, headers, _body(answer, move.amount)

    def _understood(self, environ: dict[str, Any], body: bytes) -> tuple[str, Move] | None:
        """The add that is asked for, if it is one that nothing could be said against."""
        if environ["REQUEST_METHOD"] != "POST" or len(body) > _LONGEST_BODY:
            return None
        path = environ["PATH_INFO"]
        name = DEFAULT if path == _OLDER else path.removeprefix(_NAMED) if path.startswith(_NAMED) else ""
        holder = self._ordinary.submitter(environ) if is_name(name) else None
        if holder is None:
            return None
        number = _number(body)
        key: str | None = environ.get("HTTP_IDEMPOTENCY_KEY")
        if number is None or (key is not None and not is_usable(key)):
            return None
        kept = None if key is None else owned(holder.owner, key)
        return name, Move(MoveKind.ADD, number, kept, holder.owner)


def _number(body: bytes) -> int | None:
    try:
        asked = loads(body)
    except InvalidInputError:
        return None  # Flask refuses it in words
    number = asked.get("number") if isinstance(asked, dict) else None
    return number if type(number) is int and LOWEST <= number <= HIGHEST else None


def _body(answer: Answer, added: int) -> bytes:
    return dumps(
        {
            "new_sum": answer.sum,
            "sum": answer.sum,
            "added": added,
            "timestamp": iso(answer.at),
            "node_id": answer.node_id,
        }
    )
