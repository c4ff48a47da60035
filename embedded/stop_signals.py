"""Count requests to stop: the first asks for a clean end, a second for one at once."""

import signal
import time
from types import FrameType

# A terminal, make and a script may each hand on one and the same Ctrl-C.
_ONE_REQUEST_SECONDS = 0.4


class StopSignals:
    """From `listen` on, Ctrl-C, SIGTERM and a closed terminal only count."""

    def __init__(self) -> None:
        self._count = 0
        self._last = float("-inf")

    def listen(self) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._heard)

    def _heard(self, _signum: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last > _ONE_REQUEST_SECONDS:
            self._count += 1
        self._last = now

    def ask(self) -> None:
        """Ask for a clean end from inside."""
        self._count = max(self._count, 1)

    @property
    def is_asked(self) -> bool:
        return self._count > 0

    @property
    def is_urgent(self) -> bool:
        return self._count > 1
