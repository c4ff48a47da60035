"""Journals in Redis: what is not yet in its history. Written with each change, emptied off the request path."""

from contextlib import AbstractContextManager
from typing import Protocol, TypeVar, cast

from redis import Redis

BATCH = 2_000
# About 300 MB. Beyond it changes are refused, so that a long outage of Postgres cannot fill Redis.
MOST_ENTRIES = 2_000_000
# How many, the id of the last, and all as one JSON array: built here, 2,000 entries cost Python as little as one. Taken
# apart and deleted one by one they held the interpreter while requests waited; the slowest adds took a third longer.
_OLDEST = """
local found = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])
local texts = {}
for place, entry in ipairs(found) do texts[place] = entry[2][2] end
return {#found, #found > 0 and found[#found][1] or '', '[' .. table.concat(texts, ',') .. ']'}
"""


class Held(Protocol):
    """A history while this process alone may move entries into it. Appending one twice keeps it once."""

    def append(self, entries: str) -> None:
        """Keep entries, a JSON array of what the journal holds: durable when this returns."""


HeldT_co = TypeVar("HeldT_co", bound=Held, covariant=True)


class History(Protocol[HeldT_co]):
    """Where a journal ends up."""

    def alone(self, *, wait: bool) -> AbstractContextManager[HeldT_co | None]:
        """Hold it for this process. Where another holds it: None, or with `wait` a bounded wait."""


def drain(redis: "Redis", key: str, history: History[Held], *, wait: bool = False) -> int:
    """Move what the journal holds to the history; one process at a time does. Returns how many entries."""
    with history.alone(wait=wait) as held:
        return 0 if held is None else drain_into(held, redis, key)


def drain_into(held: Held, redis: "Redis", key: str) -> int:
    """As `drain`, for a caller that holds the history already."""
    moved = 0
    while True:
        count, last, entries = cast("tuple[int, bytes, bytes]", redis.eval(_OLDEST, 1, key, BATCH))
        if count:
            held.append(entries.decode())
            # Only after the history has them. Dying in between appends them twice, which keeps them once.
            milliseconds, _, number = last.decode().partition("-")
            redis.xtrim(key, approximate=False, minid=f"{milliseconds}-{int(number) + 1}")
        moved += count
        if count < BATCH:
            return moved
