"""Keep-alive clients in one thread that send the same request over and over, and note how long each answer took."""

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """What a round gave."""

    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds


class _Client:
    def __init__(self, port: int, path: str) -> None:
        self.path = path
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0
        self.count = 0

    def send(self, body: bytes, key: str | None) -> None:
        header = f"Idempotency-Key: {key}-{self.count}\r\n" if key else ""
        self.count += 1
        self.sent_at = time.perf_counter()
        self.socket.sendall(
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{header}"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    def receive(self) -> bool:
        """Whether the answer is whole."""
        self.received += self.socket.recv(65536)
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if not found:
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(self.received.decode(errors="replace"))
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return False
        self.received = b""
        return True


def run(
    ports: Sequence[int], *, clients: int, seconds: float, path: str = "/abacus/number", key: str | None = None
) -> Measured:
    """Adds of 1 from so many clients, shared out over the nodes, for so long."""
    body, selector, times = b'{"number": 1}', selectors.DefaultSelector(), []
    made = [_Client(ports[number % len(ports)], path) for number in range(clients)]
    began = time.perf_counter()
    for number, client in enumerate(made):
        selector.register(client.socket, selectors.EVENT_READ, (client, f"{key}-{number}" if key else None))
        client.send(body, f"{key}-{number}" if key else None)
    open_answers = clients
    while open_answers:
        for ready, _ in selector.select():
            client, own_key = ready.data
            if client.receive():
                now = time.perf_counter()
                times.append(now - client.sent_at)
                if now - began < seconds:
                    client.send(body, own_key)
                else:
                    open_answers -= 1
    took = time.perf_counter() - began
    for client in made:
        client.socket.close()
    times.sort()
    at = [1000 * times[int(len(times) * part)] for part in (0.5, 0.99)]
    return Measured(len(times), took, *at)
