"""What the history of the number sets answers when Redis has lost some of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from core import journal


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a set."""

    kind: str  # create, extract, reset or delete
    number: int
    extracted_count: int
    sequence: int
    key: str | None  # a client's Idempotency-Key
    key_seconds: int  # how long it must still be remembered; 0 where it need not


class HeldHistory(journal.Held, Protocol):
    def heads(self) -> Sequence[tuple[str, int]]:
        """Each set that was ever changed, and the sequence of its last entry."""

    def entries_after(self, name: str, sequence: int) -> Iterator[Sequence[Entry]]:
        """What came later, in order and in batches; what a later reset or delete has made void may be left out."""


History = journal.History[HeldHistory]
