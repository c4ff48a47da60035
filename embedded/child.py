"""One supervised process: started in a group of its own, restarted with growing pauses, ended as a group."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from embedded import leftovers
from embedded.process_mark import die_with_parent
from embedded.processes import Process

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
# One that ran this long has earned a quick restart again.
_STEADY_SECONDS = 30.0


class Child:
    """A process of the table with its restarts."""

    def __init__(self, process: Process, home: Path, environment: Mapping[str, str], directory: Path) -> None:
        self.name = process.name
        self.drains = process.is_needed_by_jobs
        self._argv = [sys.executable, *process.command[1:]]
        self._home = home
        self._environment = environment
        self._directory = directory
        self._running: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause_seconds = 0.0
        self.restart_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self._running.pid if self._running else None

    def start(self, output: int | None) -> None:
        """Start it with its output going to a descriptor, or to ours where that is None."""
        self._running = subprocess.Popen(  # noqa: S603 - the commands are our own table's
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env=self._environment,
            cwd=self._directory,
            # Ctrl-C in the terminal reaches the supervisor alone, which stops the rest in order.
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - calls only what was loaded before
        )
        self._started = time.monotonic()
        self.restart_at = None
        leftovers.note(self._home, self.name, self._running.pid)

    def poll(self) -> int | None:
        """The exit code once it has ended; what it left of its group is ended with it."""
        if self._running is None:
            return None
        ended = os.waitid(os.P_PID, self._running.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        # Not reaped yet, so the number is still this group's and nobody else's.
        self._signal_group(signal.SIGKILL)
        code = self._running.wait()
        self._running = None
        leftovers.forget(self._home, self.name)
        return code

    def plan_restart(self) -> float:
        """How long to wait before the next start: longer each time it doesn't last."""
        lasted = time.monotonic() - self._started
        longer = min(max(self._pause_seconds * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        self._pause_seconds = _FIRST_PAUSE_SECONDS if lasted > _STEADY_SECONDS else longer
        self.restart_at = time.monotonic() + self._pause_seconds
        return self._pause_seconds

    def is_due(self) -> bool:
        return self._running is None and self.restart_at is not None and time.monotonic() >= self.restart_at

    def ask_to_stop(self) -> None:
        """Let it drain; its own children are its own business."""
        self.restart_at = None
        if self._running is not None:
            self._running.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.restart_at = None
        if self._running is not None:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, signum: signal.Signals) -> None:
        if self._running is not None:
            with suppress(ProcessLookupError, PermissionError):  # Nothing is left of it but the zombie.
                os.killpg(self._running.pid, signum)
