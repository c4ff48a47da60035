"""A wire between a process and its server that can be cut: bytes stop, nobody is told."""

import contextlib
import selectors
import socket
import struct
import threading

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: closing sends a reset


class Wire:
    """Forwards TCP from a port of its own; one thread for all connections."""

    def __init__(self, port):
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._other = {}
        self._lock = threading.Lock()
        self._is_cut = self._loses_answers = False
        self._servers = set()
        self._is_open = True
        self._thread = threading.Thread(target=self._work, name=f"wire {self.port}", daemon=True)
        self._thread.start()

    def through(self, url):
        """The same server's address, by way of this wire."""
        return url.replace(f":{self._target[1]}/", f":{self.port}/")

    def cut(self):
        """From now on nothing passes; who connects is taken and hears nothing."""
        with self._lock:
            self._is_cut = True

    def lose_answers(self):
        """What is asked arrives; what is answered does not."""
        with self._lock:
            self._loses_answers = True

    def mend(self):
        """New connections pass; old ones are gone, as they are behind a firewall that forgot them."""
        with self._lock:
            for end in list(self._other):
                self._drop(end)
            self._is_cut = self._loses_answers = False

    def close(self):
        self._is_open = False
        self._thread.join()
        for end in [*self._other, self._listener]:
            end.close()

    def _work(self):
        while self._is_open:
            ready = self._selector.select(timeout=0.05)
            with self._lock:
                if self._is_cut:
                    ready = []
                for key, _ in ready:
                    if key.fileobj is self._listener:
                        self._join()
                    elif key.fileobj in self._other:
                        self._pass_on(key.fileobj)
            if self._is_cut:
                threading.Event().wait(0.05)

    def _join(self):
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(self._target, timeout=2)
        except OSError:
            client.close()
            return
        server.settimeout(10)
        client.settimeout(10)
        self._other[client], self._other[server] = server, client
        self._servers.add(server)
        self._selector.register(client, selectors.EVENT_READ)
        self._selector.register(server, selectors.EVENT_READ)

    def _pass_on(self, end):
        try:
            piece = end.recv(65536)
            if piece:
                if not (self._loses_answers and end in self._servers):
                    self._other[end].sendall(piece)
                return
        except OSError:
            pass
        self._drop(end)

    def _drop(self, end):
        for gone in (end, self._other.get(end)):
            if gone in self._other:
                del self._other[gone]
                self._servers.discard(gone)
                self._selector.unregister(gone)
                with contextlib.suppress(OSError):
                    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                gone.close()
