"""Journals in Redis: what is not yet in its history. Written with each change, emptied off the request path."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar, cast

from redis import Redis

BATCH = 2_000
# About 300 MB. Beyond it changes are refused, so that a long outage of Postgres cannot fill Redis.
MOST_ENTRIES = 2_000_000


class Held(Protocol):
    """A history while this process alone may move entries into it. Appending one twice keeps it once."""

    def append(self, entries: Sequence[str]) -> None:
        """Keep entries, each a JSON array as the journal holds it: durable when this returns."""


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
    while found := cast("Sequence[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(key, count=BATCH)):
        held.append([fields[b"e"].decode() for _, fields in found])
        # Deleted only after the history has them. Dying in between appends them twice, which keeps them once.
        redis.xdel(key, *[entry_id for entry_id, _ in found])
        moved += len(found)
        if len(found) < BATCH:
            break
    return moved
