"""One readable log out of many: each line behind its process's name, a colour per process."""

import os
import selectors
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_RESET = "\x1b[0m"
_COLOURS = ("36", "32", "33", "35", "34", "96", "92", "93")
_WIDTH = 8
_READ_BYTES = 65536
# A line without an end is shown in pieces rather than kept without limit.
_LONGEST_LINE = 65536


class LogLines:
    """Pipes for processes to write to; `pump` shows what has come, whole lines only."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._coloured = out.isatty() and "NO_COLOR" not in os.environ
        self._selector = selectors.DefaultSelector()
        self._unfinished: dict[int, bytes] = {}
        self._names: list[str] = []
        self.is_broken = False

    def pipe(self, name: str) -> int:
        """The writing end for one process; the caller closes it once the process has its copy."""
        reading, writing = os.pipe2(os.O_CLOEXEC) if sys.platform.startswith("linux") else os.pipe()
        os.set_blocking(reading, False)
        self._unfinished[reading] = b""
        self._selector.register(reading, selectors.EVENT_READ, name)
        return writing

    def say(self, text: str, name: str = "up") -> None:
        """A line of the supervisor's own."""
        self._show(name, text)
        self._flush()

    def pump(self, wait_seconds: float) -> None:
        """Show what has come, after waiting for it at most this long."""
        for key, _ in self._selector.select(wait_seconds):
            self._read(key.fd, key.data)
        self._flush()

    def _read(self, fd: int, name: str) -> None:
        try:
            received = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return
        *lines, rest = (self._unfinished[fd] + received).split(b"\n")
        if not received or len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest] if rest else lines, b""
        self._unfinished[fd] = rest
        for line in lines:
            self._show(name, line.decode(errors="replace"))
        if not received:
            self._selector.unregister(fd)
            del self._unfinished[fd]
            os.close(fd)

    def _show(self, name: str, text: str) -> None:
        prefix = f"{name:<{_WIDTH}} |"
        if self._coloured:
            if name not in self._names:
                self._names.append(name)
            colour = _COLOURS[self._names.index(name) % len(_COLOURS)]
            prefix = f"\x1b[{colour}m{prefix}{_RESET}"
        with self._reader_may_be_gone():
            self._out.write(f"{prefix} {text.rstrip()}\n")

    def _flush(self) -> None:
        with self._reader_may_be_gone():
            self._out.flush()

    @contextmanager
    def _reader_may_be_gone(self) -> Iterator[None]:
        """A closed pipe or terminal must not keep us from stopping in order: note it and write nowhere."""
        try:
            yield
        except OSError:
            self.is_broken = True
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)

    def close(self) -> None:
        for fd in list(self._unfinished):
            self._read(fd, self._selector.get_key(fd).data)
        for fd in list(self._unfinished):
            os.close(fd)
        self._selector.close()
        self._flush()
