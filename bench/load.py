"""A small load generator: keep-alive connections that each send the next request when the last is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

_HEAD_END = b"\r\n\r\n"


@dataclass
class Load:
    """What one burst saw."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


class _Client(asyncio.Protocol):
    def __init__(self, make: Callable[[], bytes], load: Load, until: float) -> None:
        self._make = make
        self._load = load
        self._until = until
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def _next(self) -> None:
        transport = cast("asyncio.Transport", self._transport)
        if time.perf_counter() > self._until:
            transport.close()
            return
        self._sent_at = time.perf_counter()
        transport.write(self._make())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(_HEAD_END)
        if not found:
            return
        lowered = head.lower()
        place = lowered.find(b"content-length: ")
        length = int(lowered[place + 16 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        if len(body) < length:
            return
        self._buffer = body[length:]
        self._load.latencies.append(time.perf_counter() - self._sent_at)
        if not head.startswith((b"HTTP/1.1 2", b"HTTP/1.1 304")):
            self._load.refused += 1
        self._next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def burst(port: int, make: Callable[[], bytes], *, clients: int, seconds: float) -> Load:
    """Send for so long with so many clients; `make` gives each request's bytes."""

    async def run() -> Load:
        load = Load()
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        crowd = [
            (await loop.create_connection(lambda: _Client(make, load, began + seconds), "127.0.0.1", port))[1]
            for _ in range(clients)
        ]
        await asyncio.gather(*(client.done for client in crowd))
        load.seconds = time.perf_counter() - began
        return load

    return asyncio.run(run())


def get(path: str, **headers: str) -> bytes:
    return _request("GET", path, b"", headers)


def post(path: str, body: bytes, **headers: str) -> bytes:
    return _request("POST", path, body, {"Content-Type": "application/json", **headers})


def _request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
