"""Ordinary adds without Flask: answered on the event loop, so that all adds of a moment share one round trip to Redis.

What is in any way unusual is left to Flask, whose views answer the same: another method or body, an unknown key, an
origin, a rate limit. Nothing is refused here, so that no check can differ between the two.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask

from api import metrics
from api.abacus.schemas import DEFAULT
from api.abacus.service import sums_of
from api.auth import LOCAL, KeyRing, is_served
from api.owned_key import is_usable, owned
from api.platform import Platform
from api.request_id import request_id
from core.clock import iso
from core.errors import InvalidInputError
from core.exact_json import dumps, loads
from core.running_sum import HIGHEST, LOWEST, Answer, Move, MoveKind, RunningSums, is_name
from core.trace import continued
from models.api_key import KeyHolder, Role

_OLDER, _NAMED = "/abacus/number", "/api/v1/abacus/"
_ROUTES = {True: _OLDER, False: "/api/v1/abacus/<name>"}
_LONGEST_BODY = 1024
_MOST_AT_ONCE = 256

Quick = tuple[int, list[tuple[str, str]], bytes]


class AddLane:
    """Adds of one process, in the order in which they came."""

    def __init__(self, app: Flask, platform: Platform, ring: KeyRing) -> None:
        self._app = app
        self._platform = platform
        self._ring = ring
        self._line: _Line | None = None

    async def answer(self, environ: dict[str, Any]) -> Quick | None:
        """The whole answer of an ordinary add, or None: then Flask sees the request as if nothing had been here."""
        began = time.perf_counter()
        body = environ["wsgi.input"]
        asked = self._understood(environ, body.getvalue()) if isinstance(body, io.BytesIO) else None
        if asked is None:
            return None
        name, move = asked
        if self._line is None:
            self._line = _Line(sums_of(self._app, self._platform).sums)
        try:
            answer = await self._line.ask(name, move)
        except Exception as error:  # noqa: BLE001 - Flask's own handlers answer it, as they would a view's
            return self._refused(environ, error)
        headers = [
            ("Content-Type", "application/json"),
            ("X-Request-ID", request_id(environ.get("HTTP_X_REQUEST_ID", ""))),
            ("traceparent", continued(environ.get("HTTP_TRACEPARENT"))),
            ("X-Content-Type-Options", "nosniff"),
        ]
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
        if not is_name(name) or environ.get("CONTENT_TYPE") != "application/json":
            return None
        if (
            self._platform.settings.rate_limit
            or "HTTP_ORIGIN" in environ
            or "HTTP_SEC_FETCH_SITE" in environ
            or "HTTP_COOKIE" in environ
            or "HTTP_CONTENT_ENCODING" in environ
        ):
            return None
        holder = self._holder(environ)
        if holder is None or not holder.role.covers(Role.SUBMITTER):
            return None
        number = _number(body)
        key: str | None = environ.get("HTTP_IDEMPOTENCY_KEY")
        if number is None or (key is not None and not is_usable(key)):
            return None
        return name, Move(MoveKind.ADD, number, None if key is None else owned(holder.owner, key))

    def _holder(self, environ: dict[str, Any]) -> KeyHolder | None:
        """Who asks, where that is known without asking anybody."""
        settings = self._platform.settings
        if not is_served(environ.get("HTTP_HOST", ""), settings):
            return None
        authorization = environ.get("HTTP_AUTHORIZATION")
        if authorization is None and "HTTP_X_API_KEY" not in environ:
            return LOCAL if settings.is_loopback and not settings.require_keys else None
        scheme, _, secret = (authorization or "").partition(" ")
        return self._ring.known(secret.strip()) if scheme.lower() == "bearer" else None

    def _refused(self, environ: dict[str, Any], error: Exception) -> Quick:
        """As a view's error is answered, with the hooks before and after it."""
        with self._app.request_context(environ):
            self._app.preprocess_request()
            response = self._app.finalize_request(self._app.handle_user_exception(error))
            return response.status_code, list(response.headers.items()), response.get_data()


class _Line:
    """Collects what is asked while a round trip is under way; the next one takes all of it."""

    def __init__(self, sums: RunningSums) -> None:
        self._sums = sums
        self._waiting: list[tuple[tuple[str, Move], asyncio.Future[Answer]]] = []
        self._work: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sums")

    async def ask(self, name: str, move: Move) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(((name, move), future))
        if self._work is None:
            self._work = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
                asked = [one for one, _ in batch]
                try:
                    answers = await loop.run_in_executor(self._thread, self._sums.apply, asked)
                except Exception as error:  # noqa: BLE001 - each of those who wait is told, and answers it
                    answers = [error] * len(batch)
                _settle([future for _, future in batch], answers)
        finally:
            self._work = None


def _settle(futures: Sequence[asyncio.Future[Answer]], answers: Sequence[Answer | Exception]) -> None:
    for future, answer in zip(futures, answers, strict=True):
        if future.cancelled():
            continue  # The client went away; what it asked for has been done all the same.
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


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
