"""The journal in Redis: moves not yet in the history. Written with each, emptied off the request path."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, cast

from redis import Redis

KEY = "reckoner:abacus:journal"
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Head:
    """Where the history of a sum ends."""

    sequence: int
    sum: int


@dataclass(frozen=True, slots=True)
class KnownKey:
    """An idempotency key that the history remembers, with the first answer to it."""

    key: str
    move: str
    sum: int
    at_microseconds: int
    sequence: int
    node_id: str


class HeldHistory(Protocol):
    """The history while this process alone may move entries into it. Appending one twice keeps it once."""

    def append(self, entries: Sequence[str]) -> None:
        """Keep entries, each a JSON array as the journal holds it: durable when this returns."""

    def head(self, name: str) -> Head:
        """The last entry of a sum; sequence 0 where there is none."""

    def recent_keys(self, name: str) -> Iterator[Sequence[KnownKey]]:
        """The keys that must still be remembered, in batches."""


class History(Protocol):
    """Where the journal ends up, and what a lost sum is rebuilt from."""

    def alone(self, *, wait: bool) -> AbstractContextManager[HeldHistory | None]:
        """Hold it for this process. Where another holds it: None, or with `wait` a bounded wait."""


def drain(redis: "Redis", history: History, *, wait: bool = False) -> int:
    """Move what the journal holds to the history; one process at a time does. Returns how many entries."""
    with history.alone(wait=wait) as held:
        return 0 if held is None else drain_into(held, redis)


def drain_into(held: HeldHistory, redis: "Redis") -> int:
    """As `drain`, for a caller that holds the history already."""
    moved = 0
    while found := cast("Sequence[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(KEY, count=BATCH)):
        held.append([fields[b"e"].decode() for _, fields in found])
        # Deleted only after the history has them. Dying in between appends them twice, which keeps them once.
        redis.xdel(KEY, *[entry_id for entry_id, _ in found])
        moved += len(found)
        if len(found) < BATCH:
            break
    return moved


def length(redis: "Redis") -> int:
    """How many entries the history lacks."""
    return redis.xlen(KEY)
