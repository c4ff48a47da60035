"""W3C trace context: a `traceparent` that comes in goes on in the worker and comes back."""

from __future__ import annotations

import random
import re

_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


def continued(traceparent: str | None) -> str:
    """The same trace with a span of our own, or a new trace where none (or a broken one) was sent."""
    match = _FORM.fullmatch(traceparent or "")
    trace, flags = (match[1], match[3]) if match else (_hexadecimal(16), "01")
    return f"00-{trace}-{_hexadecimal(8)}-{flags}"


def _hexadecimal(count: int) -> str:
    """So many random bytes; ids need to differ, not to be secret."""
    return f"{random.getrandbits(8 * count):0{2 * count}x}"
