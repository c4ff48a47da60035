"""How long a body may run: an alarm in its own process; the heartbeat ends a process that does not hear it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from billiard.exceptions import SoftTimeLimitExceeded


def hear_alarms() -> None:
    """For each child process, once."""
    signal.signal(signal.SIGALRM, _is_over)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise SoftTimeLimitExceeded here when the block takes longer. A stage runs within the limit of its whole run."""
    if signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _is_over(_: int, __: FrameType | None) -> None:
    raise SoftTimeLimitExceeded
