"""A proxy that loses answers: what lies between a client and the platform, at its worst."""

import contextlib
import socket
import threading


class LossyProxy:
    """Passes connections on to `target`; of connection number N it cuts the answer after `cut[N]` bytes."""

    def __init__(self, target, cut):
        self._target = target
        self._cut = dict(cut)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            far = socket.create_connection(self._target)
            for pair in ((near, far, None), (far, near, self._cut.get(number))):
                thread = threading.Thread(target=_copy, args=pair, daemon=True)
                thread.start()
                self._threads.append(thread)

    def close(self):
        # Closing alone does not wake a thread that is in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)


def _copy(source, sink, most):
    """Pass bytes on until there are no more, or `most` have passed; then both ends are closed."""
    passed = 0
    try:
        while piece := source.recv(65536):
            piece = piece if most is None else piece[: most - passed]
            sink.sendall(piece)
            passed += len(piece)
            if most is not None and passed >= most:
                break
    except OSError:
        pass
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
