"""Ordinary submits without Flask: answered on the event loop, so that all submits of a moment share one commit.

A commit waits for the disk, and the wait costs the same for one row as for a hundred; bench/http.py shows what that and
leaving Flask out buys. The row is committed before its 202, as everywhere. What is in any way unusual is left to
Flask, whose view answers the same: an Idempotency-Key, a wish to wait, a unique key, a kind that looks at files.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from typing import Any

from flask import Flask
from pydantic import ValidationError
from sqlalchemy.exc import DataError

from api import metrics
from api.jobs.schemas import SubmitBody
from api.ordinary import Ordinary, Quick, said
from api.platform import Platform
from api.request_id import request_id
from api.together import Together
from core.errors import PlatformError
from core.exact_json import loads
from core.trace import continued
from models.job import Job
from tasks.board import public_body
from tasks.submission import Submission, checked_params, submit_together

_PATH = "/api/v1/jobs"
_LONGEST_BODY = 4096  # what takes longer to check must not hold the loop
# Each of two processes then commits five of 16 clients' submits together and not four: a fifth more submits a second,
# and each of them, the slow ones too, is answered earlier than without the pause.
_PAUSE = 0.0005


class SubmitLane:
    """Submits of one process, in the order in which they came."""

    def __init__(self, app: Flask, platform: Platform) -> None:
        self._platform = platform
        self._ordinary = Ordinary(app, platform)
        self._together: Together[Submission, Job] = Together(self._submit, "submits", pause=_PAUSE)
        self._seconds = metrics.HTTP.labels("POST", _PATH, "202")

    async def answer(self, environ: dict[str, Any]) -> Quick | None:
        """The whole answer of an ordinary submit, or None: then Flask sees the request as if nothing had been here."""
        if environ["PATH_INFO"] != _PATH or environ["REQUEST_METHOD"] != "POST":
            return None
        began = time.perf_counter()
        body = environ["wsgi.input"]
        wanted = self._understood(environ, body.getvalue()) if isinstance(body, io.BytesIO) else None
        if wanted is None:
            return None
        try:
            job = await self._together.ask(wanted)
        except Exception as error:  # noqa: BLE001 - Flask's own handlers answer it, as they would a view's
            return self._ordinary.refused(environ, error)
        headers = said(job.request_id or "", job.traceparent or "")
        headers += [("Location", f"{_PATH}/{job.id}"), ("Retry-After", "1")]
        self._seconds.observe(time.perf_counter() - began)
        return 202, headers, public_body(job)

    def _understood(self, environ: dict[str, Any], body: bytes) -> Submission | None:
        """The job that is asked for, if it is one that nothing could be said against."""
        if len(body) > min(_LONGEST_BODY, self._platform.settings.max_body_bytes) or environ["QUERY_STRING"]:
            return None
        if "HTTP_IDEMPOTENCY_KEY" in environ or "HTTP_PREFER" in environ:
            return None
        holder = self._ordinary.submitter(environ)
        if holder is None:
            return None
        try:
            asked = SubmitBody.model_validate(loads(body))
            kind = self._platform.registry[asked.kind]
            if asked.unique is not None or kind.exclusive or kind.check:
                return None
            params = checked_params(kind, asked.params)
        except (ValidationError, PlatformError):
            return None
        return Submission(
            kind=kind,
            params=params,
            owner=holder.owner,
            priority=asked.priority,
            tags=tuple(asked.tags),
            run_at=asked.run_at,
            request_id=request_id(environ.get("HTTP_X_REQUEST_ID", "")),
            traceparent=continued(environ.get("HTTP_TRACEPARENT")),
        )

    def _submit(self, wanted: Sequence[Submission]) -> Sequence[Job | Exception]:
        try:
            return self._insert(wanted)
        except DataError as error:
            if len(wanted) == 1:
                return [error]
        # A value that Postgres cannot take must not cost the others their jobs.
        return [answer for one in wanted for answer in self._submit([one])]

    def _insert(self, wanted: Sequence[Submission]) -> list[Job]:
        publisher = self._platform.publisher
        with self._platform.db.connect() as connection:
            jobs = submit_together(connection, wanted, published=publisher.takes_more)
        publisher.hand_over(*jobs)  # at once, and not one by one as they are answered
        return jobs
