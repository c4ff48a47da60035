"""Ask one URL over and over on kept-alive connections, and say how many answers came and how late."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Measured:
    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int


def measure(url: str, *, clients: int = 16, seconds: float = 4.0) -> Measured:
    """Each client asks again as soon as it has its answer."""
    return asyncio.run(_measure(url, clients, seconds))


async def _measure(url: str, clients: int, seconds: float) -> Measured:
    ends = time.perf_counter() + seconds
    results = await asyncio.gather(*(_client(url, ends) for _ in range(clients)))
    times = sorted(took for took_all, _ in results for took in took_all)
    errors = sum(bad for _, bad in results)
    return Measured(
        len(times) / seconds,
        statistics.median(times) * 1000,
        times[int(len(times) * 0.99)] * 1000,
        errors,
    )


async def _client(url: str, ends: float) -> tuple[list[float], int]:
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    times, errors = [], 0
    while (began := time.perf_counter()) < ends:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        errors += not head.startswith(b"HTTP/1.1 200")
        times.append(time.perf_counter() - began)
    writer.close()
    return times, errors
