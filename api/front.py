"""The event loop in front of Flask: requests run in a small pool of threads, waiting ones on the loop.

granian calls `__rsgi__` for each request. Flask stays a plain WSGI application; see docs/adr/0001-waiting.md.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from flask import Flask
from granian.rsgi import ProtocolClosed
from werkzeug.exceptions import ClientDisconnected, RequestTimeout

from api.abacus.lane import AddLane
from api.fast_poll import FastPoll
from api.items.quick import QuickItems
from api.jobs.lane import SubmitLane
from api.jobs.stream import Snapshot, look, sse
from api.platform import Platform
from api.problem import problem
from api.waiting import STREAM, WAIT, WAITED, Stream, Switchboard, Wait
from core.parent_death import die_with_parent

logger = structlog.get_logger()

_SMALL_BODY = 1024 * 1024  # read whole before Flask sees it; larger ones are fed piece by piece
_FIRST_PIECES = 1024 * 1024  # an answer up to this size is sent in one go
_BODY_TIMEOUT = 30  # seconds a client may take for a small body, or for the next piece of a large one
_SLOWEST = 8 * 1024  # bytes a second, on average, below which a large body is not waited for any longer
_UPLOADS_AT_ONCE = 8  # large bodies a process receives at once: slow clients must not hold the threads of others
_TOO_SLOW = "the body did not arrive in time; send it faster, or in smaller requests"
_KEEPALIVE = 15  # seconds between comments on a silent stream, below the usual proxy's patience


@dataclass
class Reply:
    """What Flask answered, and what its view asked the front to do."""

    status: int
    headers: list[tuple[str, str]]
    pieces: Iterator[bytes]
    close: Callable[[], None]
    wishes: dict[str, Any]
    first: bytes = b""
    is_whole: bool = True


@dataclass
class _Started:
    status: int = 500
    headers: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info:
            raise exc_info[1].with_traceback(exc_info[2])
        self.status = int(status.split(" ", 1)[0])
        self.headers = headers
        return lambda _: None


class BodyStream(io.RawIOBase):
    """A large body, read by a Flask thread while the loop receives it."""

    def __init__(self, pieces: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._pieces = aiter(pieces)
        self._loop = loop
        self._rest = b""
        self._received = 0
        self._began = time.monotonic()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = self._next()
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def _next(self) -> bytes:
        passed = time.monotonic() - self._began
        if passed > _BODY_TIMEOUT and self._received < passed * _SLOWEST:
            raise RequestTimeout(_TOO_SLOW)
        taking = asyncio.run_coroutine_threadsafe(self._take(), self._loop)
        try:
            piece = taking.result(_BODY_TIMEOUT)
        except TimeoutError:
            taking.cancel()
            raise RequestTimeout(_TOO_SLOW) from None
        except ProtocolClosed:
            raise ClientDisconnected("the client went away while sending") from None
        self._received += len(piece)
        return piece

    async def _take(self) -> bytes:
        # Not `anext(pieces, b"")`: with a default, Python 3.11 reads a null pointer in granian's awaitables.
        try:
            return bytes(await anext(self._pieces))
        except StopAsyncIteration:
            return b""


class Front:
    """An RSGI application around Flask."""

    def __init__(self, app: Flask, platform: Platform) -> None:
        self._app = app
        self._platform = platform
        self._pool = ThreadPoolExecutor(platform.settings.api_threads, thread_name_prefix="flask")
        self._uploads = ThreadPoolExecutor(_UPLOADS_AT_ONCE, thread_name_prefix="upload")
        self._switchboard = Switchboard(platform.settings.redis_url)
        self._fast_poll = FastPoll(platform, app.extensions["key_ring"])
        self._quick_items = QuickItems(platform, app.extensions["key_ring"])
        self._adds = AddLane(app, platform)
        self._submits = SubmitLane(app, platform)

    def __rsgi_init__(self, _: asyncio.AbstractEventLoop) -> None:
        # A server killed outright would leave this process listening on its port, and block the next start.
        die_with_parent()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._platform.publisher.close()
        self._pool.shutdown(wait=False)
        self._uploads.shutdown(wait=False)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if scope.proto != "http":
            protocol.close(403)
            return
        read = self._fast_poll.answer(scope) or self._quick_items.answer(scope)
        if read is not None:
            protocol.response_bytes(*read)
            return
        loop = asyncio.get_running_loop()
        environ = _environ(scope, scope.headers.items())
        try:
            pool = await self._receive(environ, protocol, loop)
            if pool is None:
                return
            quick = await self._submits.answer(environ) or await self._adds.answer(environ)
            if quick is not None:
                protocol.response_bytes(*quick)
                return
            reply = await loop.run_in_executor(pool, self._call, environ)
            wish = reply.wishes.get(WAIT)
            if wish is not None:
                reply.close()
                # The second time round is the same request: it keeps its id and its trace.
                said = dict(reply.headers)
                environ["HTTP_X_REQUEST_ID"] = said.get("X-Request-ID", "")
                environ["HTTP_TRACEPARENT"] = said.get("traceparent", "")
                reply = await self._after_waiting(wish, environ, loop)
            stream = reply.wishes.get(STREAM)
            if stream is not None:
                reply.close()
                await self._stream(stream, reply.headers, protocol, loop)
            else:
                await self._send(reply, protocol, loop)
        except ProtocolClosed:
            return

    async def _receive(
        self, environ: dict[str, Any], protocol: Any, loop: asyncio.AbstractEventLoop
    ) -> ThreadPoolExecutor | None:
        """Take a small body in on the loop, where waiting costs nothing; a large one is read by an uploads thread."""
        length = int(environ["CONTENT_LENGTH"]) if environ.get("CONTENT_LENGTH", "").isdecimal() else None
        if length == 0 or (length is None and "HTTP_TRANSFER_ENCODING" not in environ):
            environ["wsgi.input"] = io.BytesIO()
            return self._pool
        if length is None or length > _SMALL_BODY:
            environ["wsgi.input"] = io.BufferedReader(BodyStream(protocol, loop))
            return self._uploads
        try:
            async with asyncio.timeout(_BODY_TIMEOUT):
                environ["wsgi.input"] = io.BytesIO(await protocol())
        except TimeoutError:
            with self._app.request_context({**environ, "wsgi.input": io.BytesIO()}):
                late = problem(408, "request_timeout", _TOO_SLOW)
            protocol.response_bytes(408, [*late.headers.items(), ("Connection", "close")], late.get_data())
            return None
        return self._pool

    def _call(self, environ: dict[str, Any]) -> Reply:
        """Run Flask in this thread, up to a first megabyte of its answer."""
        started = _Started()
        result: Iterable[bytes] = self._app(environ, started)
        close = getattr(result, "close", lambda: None)
        pieces = iter(result)
        first: list[bytes] = []
        size = 0
        is_whole = True
        for piece in pieces:
            first.append(piece)
            size += len(piece)
            if size > _FIRST_PIECES:
                is_whole = False
                break
        if is_whole:
            close()
        wishes = {name: environ[name] for name in (WAIT, STREAM) if name in environ}
        return Reply(started.status, started.headers, pieces, close, wishes, b"".join(first), is_whole)

    async def _send(self, reply: Reply, protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
        if reply.is_whole:
            protocol.response_bytes(reply.status, reply.headers, reply.first)
            return
        try:
            transport = protocol.response_stream(reply.status, reply.headers)
            await transport.send_bytes(reply.first)
            while True:
                piece = await loop.run_in_executor(self._pool, next, reply.pieces, None)
                if piece is None:
                    return
                await transport.send_bytes(piece)
        finally:
            reply.close()

    async def _after_waiting(self, wish: Wait, environ: dict[str, Any], loop: asyncio.AbstractEventLoop) -> Reply:
        deadline = time.monotonic() + wish.seconds
        async with self._switchboard.bell(wish.job_id) as bell:
            while True:
                seen = await self._look(wish.job_id, loop)
                left = deadline - time.monotonic()
                if seen is None or seen.is_final or left <= 0:
                    break
                await self._switchboard.ring_or_time_out(bell, left)
        path, _, query = wish.then.partition("?")
        again = {
            **{
                name: value
                for name, value in environ.items()
                if not name.startswith(("reckoner.", "werkzeug.", "flask."))
            },
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "wsgi.input": io.BytesIO(),
            WAITED: True,
        }
        for name in ("CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_TRANSFER_ENCODING", "HTTP_IF_NONE_MATCH"):
            if name != "HTTP_IF_NONE_MATCH" or environ["REQUEST_METHOD"] != "GET":
                again.pop(name, None)
        return await loop.run_in_executor(self._pool, self._call, again)

    async def _look(self, job_id: str, loop: asyncio.AbstractEventLoop) -> Snapshot | None:
        return await loop.run_in_executor(self._pool, look, self._platform, job_id)

    async def _stream(
        self, wish: Stream, headers: list[tuple[str, str]], protocol: Any, loop: asyncio.AbstractEventLoop
    ) -> None:
        kept = [(name, value) for name, value in headers if name.lower() not in {"content-length", "content-type"}]
        transport = protocol.response_stream(
            200, [*kept, ("content-type", "text/event-stream"), ("x-accel-buffering", "no")]
        )
        after, shown, quiet_since = wish.after, "", time.monotonic()
        await transport.send_bytes(b"retry: 1000\n\n")
        async with self._switchboard.bell(wish.job_id) as bell:
            while True:
                collect = partial(sse, self._platform, wish.job_id, after, shown)
                news = await loop.run_in_executor(self._pool, collect)
                if news.data:
                    await transport.send_bytes(news.data)
                    quiet_since = time.monotonic()
                after, shown = news.after, news.shown
                if news.is_over:
                    return
                if time.monotonic() - quiet_since > _KEEPALIVE:
                    await transport.send_bytes(b": still here\n\n")
                    quiet_since = time.monotonic()
                await self._switchboard.ring_or_time_out(bell, _KEEPALIVE)


def _environ(scope: Any, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """PEP 3333's dictionary for a request."""
    client, _, client_port = scope.client.rpartition(":")
    server, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        # granian has decoded the path once; a second time would make `%252e` a dot.
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client,
        "REMOTE_PORT": client_port,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for name, value in headers:
        if "_" in name:  # `Content_Length` must not be taken for `Content-Length`
            continue
        key = name.upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if scope.authority:
        environ.setdefault("HTTP_HOST", scope.authority)
    return environ
