"""Celery's consumer, which gathers for a moment what it tells Flower, and comes back as soon as Redis does."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from celery.worker import consumer

_GATHER_SECONDS = 0.1  # Celery sends what each turn of its loop tells; three messages a job were a third of the parent

# Celery waits two seconds longer after each failed try, up to thirty: work lay for twelve after an outage of thirty.
_TRY_AGAIN = {"interval_start": 0.2, "interval_step": 0.2, "interval_max": 1.0}


class Consumer(consumer.Consumer):
    """Events of tasks go out ten times a second, or as soon as there are two dozen."""

    hub: Any
    _flush_at = 0.0
    _flush_events: Any  # Celery's own; its stubs leave it out

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(conn.ensure_connection, **_TRY_AGAIN)
        return super().ensure_connected(conn)

    def on_send_event_buffered(self) -> None:  # type: ignore[override]  # the stubs take it for an attribute
        # By the clock, not by a mark: a timer that is cleared with its connection must not be waited for.
        now = time.monotonic()
        if self.hub and now >= self._flush_at:
            self._flush_at = now + _GATHER_SECONDS
            self.hub.call_later(_GATHER_SECONDS, self._flush_events)
