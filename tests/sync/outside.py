"""A stand-in for the outside API: well-behaved like JSONPlaceholder, or hostile, one request at a time."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Behaviour = Callable[["Handler"], None]


def post(number: int, **changes: Any) -> dict[str, Any]:
    return {"userId": 1, "id": number, "title": f"post {number}", "body": f"text of {number}"} | changes


class OutsideApi:
    """Serves `posts`; `next(...)` decides how the coming requests are answered, `always` how all are."""

    def __init__(self, posts: list[Any] | None = None) -> None:
        self.posts: list[Any] = [post(n) for n in range(1, 101)] if posts is None else posts
        self.always: Behaviour = well_behaved
        self.paged = True
        self.etags = False
        self.seen: list[Handler] = []
        self.stopping = threading.Event()
        self._coming: deque[Behaviour] = deque()
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.outside = self
        self._server.connections = []
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def requests(self) -> int:
        return len(self.seen)

    def next(self, *behaviours: Behaviour) -> None:
        self._coming.extend(behaviours)

    def behaviour(self) -> Behaviour:
        return self._coming.popleft() if self._coming else self.always

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        for connection in self._server.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    outside: OutsideApi
    connections: list[socket.socket]
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """A client that hangs up on a hostile server is what the tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 20

    @property
    def outside(self) -> OutsideApi:
        return self.server.outside

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.connection)

    def do_GET(self) -> None:
        self.at = time.monotonic()
        self.outside.seen.append(self)
        self.outside.behaviour()(self)

    def json(self, value: Any, status: int = 200, **headers: str) -> None:
        self.text(json.dumps(value), status, "application/json", **headers)

    def text(self, text: str, status: int = 200, kind: str = "text/html", **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence."""


def well_behaved(handler: Handler) -> None:
    """What JSONPlaceholder does: `/posts`, `/posts/7`, `_start` and `_limit`, weak validators."""
    outside, parts = handler.outside, urlsplit(handler.path)
    if parts.path.startswith("/posts/"):
        number = int(parts.path.rpartition("/")[2])
        found = [p for p in outside.posts if isinstance(p, dict) and p.get("id") == number]
        handler.json(found[0] if found else {}, 200 if found else 404)
        return
    query = {key: int(values[0]) for key, values in parse_qs(parts.query).items()}
    posts = outside.posts
    if outside.paged and "_start" in query:
        posts = posts[query["_start"] : query["_start"] + query["_limit"]]
    etag = 'W/"' + hashlib.sha256(json.dumps(posts).encode()).hexdigest()[:20] + '"'
    headers = {"ETag": etag} if outside.etags else {}
    if outside.etags and handler.headers.get("If-None-Match") == etag:
        handler.send_response(304)
        handler.end_headers()
        return
    handler.json(posts, X_Total_Count=str(len(outside.posts)), **headers)


def status(code: int, **headers: str) -> Behaviour:
    return lambda handler: handler.text("no", code, **headers)


def html(handler: Handler) -> None:
    handler.text("<html><body>maintenance</body></html>")


def half_json(handler: Handler) -> None:
    handler.text('[{"id": 1, "tit', kind="application/json")


def cut_short(handler: Handler) -> None:
    """Announces more than it sends, then hangs up."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'[{"id": 1}')
    handler.close_connection = True


def reset(handler: Handler) -> None:
    """RST instead of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.rfile.close()
    handler.close_connection = True


def hang(handler: Handler) -> None:
    """Takes the request and never answers."""
    handler.outside.stopping.wait(15)
    handler.close_connection = True


def slow(seconds: float) -> Behaviour:
    def answer(handler: Handler) -> None:
        handler.outside.stopping.wait(seconds)
        well_behaved(handler)

    return answer


def drip_headers(handler: Handler) -> None:
    """One header byte every 50 ms: each byte starts a plain read time-out anew."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(handler, b"a")


def drip_body(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    _drip(handler, b"1\r\n \r\n")


def _drip(handler: Handler, drop: bytes) -> None:
    handler.close_connection = True
    for _ in range(300):
        if handler.outside.stopping.wait(0.05):
            return
        try:
            handler.wfile.write(drop)
        except OSError:
            return


def endless(handler: Handler) -> None:
    """A body of 1 GB with no length announced."""
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    piece = b" " * 1024 * 1024
    try:
        for _ in range(1024):
            handler.wfile.write(piece)
    except OSError:
        return


def announces_1_gb(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(1024**3))
    handler.end_headers()
    handler.close_connection = True


def bomb(handler: Handler) -> None:
    """1 MB on the wire, 1 GB inflated."""
    body = gzip.compress(b" " * 1024**2) * 1024
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.close_connection = True
    handler.wfile.write(body)


def redirect(location: str, code: int = 302) -> Behaviour:
    return lambda handler: handler.text("", code, Location=location)
