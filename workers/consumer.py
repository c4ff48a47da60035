"""Celery's consumer, which gathers for a moment what it tells Flower."""

from __future__ import annotations

import time
from typing import Any

from celery.worker import consumer

_GATHER_SECONDS = 0.1  # Celery sends what each turn of its loop tells; three messages a job were a third of the parent


class Consumer(consumer.Consumer):
    """Events of tasks go out ten times a second, or as soon as there are two dozen."""

    hub: Any
    _flush_at = 0.0
    _flush_events: Any  # Celery's own; its stubs leave it out

    def on_send_event_buffered(self) -> None:  # type: ignore[override]  # the stubs take it for an attribute
        # By the clock, not by a mark: a timer that is cleared with its connection must not be waited for.
        now = time.monotonic()
        if self.hub and now >= self._flush_at:
            self._flush_at = now + _GATHER_SECONDS
            self.hub.call_later(_GATHER_SECONDS, self._flush_events)
