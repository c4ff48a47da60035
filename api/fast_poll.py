"""The plainest poll of all, answered on the event loop: stored bytes from Redis, without a thread and without Flask.

It saves the hop to a thread and Flask's own work, which is most of what such a poll costs; bench/http.py shows the
ratio. Whatever is not plain (a query, a waiting job, a key not seen lately, rate limits, Redis away) goes the ordinary
way and gets the same answer.
"""

from __future__ import annotations

import time
from typing import Any

from api import metrics
from api.auth import LOCAL, KeyRing, is_served, may_see
from api.platform import Platform
from core.clock import uuid7
from core.trace import continued
from models.api_key import KeyHolder
from tasks.board import Board
from tasks.runtime import connect_redis

_PREFIX = "/api/v1/jobs/"
_ID_LENGTH = 36
_PATIENCE = 0.1  # seconds Redis may take; the loop waits with it, and so does everybody else on it
_ROUTE = "/api/v1/jobs/<job_id>"

Answer = tuple[int, list[tuple[str, str]], bytes]


class FastPoll:
    """Answers, or says None and leaves the request to Flask."""

    def __init__(self, platform: Platform, ring: KeyRing) -> None:
        self._settings = platform.settings
        self._board = Board(connect_redis(platform.settings.redis_url, patience=_PATIENCE))
        self._ring = ring

    def answer(self, scope: Any) -> Answer | None:
        path: str = scope.path
        if len(path) != len(_PREFIX) + _ID_LENGTH or not path.startswith(_PREFIX):
            return None
        if scope.method != "GET" or scope.query_string or self._settings.rate_limit or "/" in path[len(_PREFIX) :]:
            return None
        began = time.perf_counter()
        headers = scope.headers
        holder = self._holder(headers)
        if holder is None or not is_served(headers.get("host") or scope.authority or "", self._settings):
            return None
        shown = self._board.read(path[len(_PREFIX) :])
        if shown is None or shown.status.is_waiting or not may_see(holder, shown.owner):
            return None
        etag = f'"{shown.stamp}"'
        said = [
            ("ETag", etag),
            ("Cache-Control", "private, no-cache"),
            ("X-Request-ID", str(uuid7())),
            ("traceparent", continued(headers.get("traceparent"))),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if not shown.status.is_final:
            said.append(("Retry-After", "1"))
        unchanged = headers.get("if-none-match") == etag
        status, body = (304, b"") if unchanged else (200, shown.body)
        if not unchanged:
            said.append(("Content-Type", "application/json"))
        metrics.HTTP.labels("GET", _ROUTE, str(status)).observe(time.perf_counter() - began)
        return status, said, body

    def _holder(self, headers: Any) -> KeyHolder | None:
        """Who asks, where that is known without asking anybody."""
        if "origin" in headers or "x-request-id" in headers or "cookie" in headers:
            return None
        authorization = headers.get("authorization")
        if authorization is None and "x-api-key" not in headers:
            open_here = self._settings.is_loopback and not self._settings.require_keys
            return LOCAL if open_here else None
        scheme, _, secret = (authorization or "").partition(" ")
        return self._ring.known(secret.strip()) if scheme.lower() == "bearer" else None
