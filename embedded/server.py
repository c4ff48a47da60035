"""What starting, watching and stopping a local server has in common, whichever server it is."""

import os
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from embedded.errors import PortTakenError, ServerError
from embedded.ports import free_port, is_free
from embedded.process_mark import die_with_parent
from embedded.room import Room
from embedded.run_as import PLAIN, RunAs

_POLL_SECONDS = 0.005
_PORT_TRIES = 5


class Server(ABC):
    """One server process with its data in `<home>/<name>`, listening on loopback only.

    Start it from a thread that lives as long as the server should: on Linux the server ends with that thread.
    `port=None` picks a free one and keeps it, so a stopped and started server has the same url.
    `durable=False` is for tests: it survives a killed server, not a power cut.
    `output` is a file descriptor for the server's log, instead of `<home>/<name>/server.log`.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        *,
        durable: bool = True,
        output: int | None = None,
        start_timeout_seconds: float = 60.0,
        stop_timeout_seconds: float = 30.0,
    ) -> None:
        self.room = Room(home, self.name)
        self.durable = durable
        self._asked_port = port
        self._port = port
        self._output = output
        self._start_timeout_seconds = start_timeout_seconds
        self._stop_timeout_seconds = stop_timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._throwaway: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def throwaway(cls) -> Self:
        """For tests: temporary home, free port, no waiting for the disk; gone after the `with` block."""
        home = tempfile.TemporaryDirectory(prefix="reckoner-", ignore_cleanup_errors=True)
        server = cls(Path(home.name), durable=False)
        server._throwaway = home
        return server

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def _prepare(self) -> None:
        """Make what has to be there before the start; the lock is held."""

    @abstractmethod
    def _command(self) -> Sequence[str]: ...

    @abstractmethod
    def _is_ready(self, pid: int) -> bool: ...

    def _run_as(self) -> RunAs:
        return PLAIN

    @property
    def port(self) -> int:
        if self._port is None:
            self._port = free_port()
        return self._port

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerError(f"{self.name} has not been started")
        return self._process.pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the server and return when it answers."""
        if self.is_running():
            return self
        for tries_left in reversed(range(_PORT_TRIES)):
            try:
                self._start_once()
            except PortTakenError:
                if self._asked_port is not None or not tries_left:
                    raise
                self._port = None
            else:
                break
        return self

    def _start_once(self) -> None:
        self.room.make()
        lock = self.room.lock()
        try:
            self._prepare()
            self._process = self._spawn(lock)
        finally:
            os.close(lock)  # From here on the server's own copy is the lock.
        self.room.note(self._process.pid)
        self._await_ready(self._process)

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        output = self.room.open_log() if self._output is None else os.dup(self._output)
        try:
            return self._run_as().popen(
                self._command(),
                output=output,
                keep=(lock,),
                cwd=self.room.path,
                before_exec=die_with_parent(self.stop_signal),
            )
        finally:
            os.close(output)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._start_timeout_seconds
        while process.poll() is None:
            if self._is_ready(process.pid):
                return
            if time.monotonic() > deadline:
                self.stop()
                raise ServerError(f"{self.name} wasn't ready in {self._start_timeout_seconds:g} s{self._why()}")
            time.sleep(_POLL_SECONDS)
        self._process = None
        if not is_free(self.port):
            raise PortTakenError(f"port {self.port} is taken, {self.name} can't listen on it")
        raise ServerError(f"{self.name} ended with code {process.returncode} while starting{self._why()}")

    def _why(self) -> str:
        tail = self.room.log_tail() if self._output is None else ""
        return f"; its log ends:\n{tail}" if tail else "; its log says why"

    def stop(self) -> None:
        """Stop it cleanly; when it doesn't end in time, kill it (its data survives that)."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(self.stop_signal)
        try:
            process.wait(self._stop_timeout_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End it as a crash would, for tests of what happens then."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._throwaway is not None:
            self._throwaway.cleanup()
