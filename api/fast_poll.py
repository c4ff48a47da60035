"""The plainest poll of all, answered on the event loop: stored bytes from Redis, without a thread and without Flask.

It saves the hop to a thread and Flask's own work, which is most of what such a poll costs; bench/http.py shows the
ratio. Whatever is not plain (a query, a waiting job, a key not seen lately, rate limits, Redis away) goes the ordinary
way and gets the same answer.
"""

from __future__ import annotations

import time
from typing import Any

from api import metrics
from api.auth import KeyRing, may_see
from api.ordinary import PlainReads, Quick, said
from api.platform import Platform
from core.clock import uuid7_text
from core.trace import continued
from tasks.board import Board
from tasks.runtime import connect_redis

_PREFIX = "/api/v1/jobs/"
_ID_LENGTH = 36
PATIENCE = 0.1  # seconds Redis may take; the loop waits with it, and so does everybody else on it
_ROUTE = "/api/v1/jobs/<job_id>"


class FastPoll:
    """Answers, or says None and leaves the request to Flask."""

    def __init__(self, platform: Platform, ring: KeyRing) -> None:
        self._board = Board(connect_redis(platform.settings.redis_url, patience=PATIENCE, alone=True))
        self._reads = PlainReads(platform, ring)

    def answer(self, scope: Any) -> Quick | None:
        path: str = scope.path
        if len(path) != len(_PREFIX) + _ID_LENGTH or not path.startswith(_PREFIX):
            return None
        if scope.query_string or "/" in path[len(_PREFIX) :]:
            return None
        began = time.perf_counter()
        holder = self._reads.holder(scope)
        shown = self._board.read(path[len(_PREFIX) :]) if holder is not None else None
        if holder is None or shown is None or shown.status.is_waiting or not may_see(holder, shown.owner):
            return None
        headers, etag = scope.headers, f'"{shown.stamp}"'
        told = [
            ("ETag", etag),
            ("Cache-Control", "private, no-cache"),
            *said(uuid7_text(), continued(headers.get("traceparent"))),
        ]
        if not shown.status.is_final:
            told.append(("Retry-After", "1"))
        unchanged = headers.get("if-none-match") == etag
        status, body = (304, b"") if unchanged else (200, shown.body)
        if unchanged:
            told = [(name, value) for name, value in told if name != "Content-Type"]
        metrics.HTTP.labels("GET", _ROUTE, str(status)).observe(time.perf_counter() - began)
        return status, told, body
