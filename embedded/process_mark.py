"""Tell one process from a later one that got the same pid, and tie a child's life to its parent's."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class ProcessMark:
    """A pid and when it started: together they name one process and never its successor."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The mark of a living process; a zombie has nothing left to stop and counts as gone."""
        started = _started(pid)
        return None if started is None else cls(pid, started)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        pid, _, started = text.strip().partition(" ")
        return cls(int(pid), started) if pid.isdigit() and started else None

    def __str__(self) -> str:
        return f"{self.pid} {self.started}"

    def is_alive(self) -> bool:
        return _started(self.pid) == self.started

    def send(self, signum: signal.Signals) -> None:
        """Signal the process if it is still the one that was marked."""
        if self.is_alive():
            os.kill(self.pid, signum)

    def send_group(self, signum: signal.Signals) -> None:
        """Signal its whole process group, which it leads."""
        if self.is_alive():
            os.killpg(self.pid, signum)


def _started(pid: int) -> str | None:
    if not sys.platform.startswith("linux"):
        return _started_by_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name stands in parentheses and may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else f"{boot}:{fields[19]}"


def _started_by_ps(pid: int) -> str | None:
    shown = subprocess.run(  # noqa: S603 - fixed words and a number
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return shown[1].strip() if len(shown) == len(("stat", "lstart")) and "Z" not in shown[0] else None


def die_with_parent(signum: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` after which Linux sends `signum` when the thread that started the child ends.

    The library is loaded before the fork, so that the child calls only what is already there.
    """
    parent = os.getpid()
    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform.startswith("linux") else None

    def tie() -> None:
        if prctl is None:
            return
        prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
        if os.getppid() != parent:  # It died before the tie was made.
            os._exit(1)

    return tie
