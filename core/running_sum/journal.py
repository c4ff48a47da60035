"""The journal of the sums, and what their history answers when one of them was lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from redis import Redis

from core import journal

KEY = "reckoner:abacus:journal"


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


class HeldHistory(journal.Held, Protocol):
    def head(self, name: str) -> Head:
        """The last entry of a sum; sequence 0 where there is none."""

    def recent_keys(self, name: str) -> Iterator[Sequence[KnownKey]]:
        """The keys that must still be remembered, in batches."""


History = journal.History[HeldHistory]


def drain(redis: "Redis", history: History, *, wait: bool = False) -> int:
    """Move what the journal holds to the history; one process at a time does. Returns how many entries."""
    return journal.drain(redis, KEY, history, wait=wait)


def drain_into(held: HeldHistory, redis: "Redis") -> int:
    """As `drain`, for a caller that holds the history already."""
    return journal.drain_into(held, redis, KEY)
