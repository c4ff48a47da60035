"""The time, and ids that sort by it."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from uuid import UUID

_RANDOM_BITS = 74
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


def now() -> datetime:
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with `Z`, or None."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def uuid7() -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then random, so that newer ids sort after older ones."""
    return UUID(int=_number7())


def uuid7_text() -> str:
    """The same as text, where nobody needs the object: it takes half the time."""
    digits = f"{_number7():032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _number7() -> int:
    milliseconds = time.time_ns() // 1_000_000
    # Unique, not secret; the generator is seeded from the system and again after each fork. os.urandom costs ten times.
    noise = random.getrandbits(_RANDOM_BITS)
    high, low = noise >> 62, noise & ((1 << 62) - 1)
    return (milliseconds & ((1 << 48) - 1)) << 80 | _VERSION_7 | high << 64 | _VARIANT | low
