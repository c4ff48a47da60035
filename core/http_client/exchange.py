"""One attempt on the wire, which can be cut off from outside wherever it hangs.

A socket's own time-out starts anew with every byte, so a server that drips one byte a second can hold a
reader for hours. Shutting the socket down from a timer ends every kind of hanging: headers, body, chunks.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextvars import ContextVar


class Exchange:
    """Knows the socket in use, so that a timer or another thread can end the attempt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.is_cut = False

    def use(self, sock: socket.socket) -> None:
        with self._lock:
            self._socket = sock
            if self.is_cut:
                _shut(sock)

    def cut(self) -> None:
        with self._lock:
            self.is_cut = True
            if self._socket is not None:
                _shut(self._socket)


# The connection is made deep inside urllib3; this is how it finds the attempt it works for.
CURRENT: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


@contextlib.contextmanager
def exchange(total_seconds: float) -> Iterator[Exchange]:
    """Run the block as one attempt that is cut off after `total_seconds`."""
    current = Exchange()
    timer = threading.Timer(total_seconds, current.cut)
    timer.daemon = True
    token = CURRENT.set(current)
    timer.start()
    try:
        yield current
    finally:
        timer.cancel()
        CURRENT.reset(token)


def _shut(sock: socket.socket) -> None:
    # The plain method on purpose: SSLSocket.shutdown would also drop its TLS object under the reader's feet.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
