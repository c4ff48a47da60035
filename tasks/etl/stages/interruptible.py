"""Let a job be stopped while Postgres works for it: a statement of minutes asks nobody whether it should go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

LOOK_EVERY = 0.3  # seconds


@contextmanager
def interruptible(connection: Connection, tick: Callable[[], None]) -> Iterator[None]:
    """Tick beside the statements of this block, which must not tick itself; what stops the job stops them."""
    watch = _Watch(connection, tick)
    watch.start()
    try:
        yield
    except Exception:
        if watch.finish() is None:
            raise
    finally:
        stopped = watch.finish()
    if stopped is not None:
        raise stopped


class _Watch(threading.Thread):
    def __init__(self, connection: Connection, tick: Callable[[], None]) -> None:
        super().__init__(name="interruptible", daemon=True)
        self._driver = connection.connection.driver_connection
        self._tick = tick
        self._over = threading.Event()
        self._stopped: Exception | None = None

    def run(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            try:
                if self._stopped is None:
                    self._tick()
            except Exception as error:  # noqa: BLE001 - whatever it is, the block raises it
                self._stopped = error
            if self._stopped is not None and self._driver is not None:
                # Again and again: between two statements there is none to cancel.
                self._driver.cancel()

    def finish(self) -> Exception | None:
        self._over.set()
        self.join()
        return self._stopped
