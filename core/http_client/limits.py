"""How long, how much and how often an outside API is asked."""

import random
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from core.http_client.errors import ExternalAnswerError


@dataclass(frozen=True)
class Limits:
    """All times in seconds. `total` bounds one attempt from connect to last byte, however slowly it drips."""

    connect: float = 10.0
    read: float = 10.0
    total: float = 10.0
    body_bytes: int = 64 * 1024 * 1024
    retries: int = 3
    first_wait: float = 1.0
    jitter: float = 0.5
    # A server that asks for more patience than this is told no: the schedule comes round again anyway.
    longest_wait: float = 60.0
    redirects: int = 5
    private_redirects: bool = False

    def wait_before(self, retry: int, error: BaseException | None) -> float:
        """1, 2, 4 s with jitter, or what the server asked for if that is longer. `retry` counts from 1."""
        backoff = self.first_wait * 2.0 ** (retry - 1) + random.uniform(0, self.jitter)
        asked = error.asked_to_wait if isinstance(error, ExternalAnswerError) else None
        return max(backoff, asked or 0.0)


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Read `Retry-After`, which is either seconds or a date; nonsense is no wish at all."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None
