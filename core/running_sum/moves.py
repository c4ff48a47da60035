"""What can be asked of a running sum, and what it answers."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from core.errors import InvalidInputError

LOWEST, HIGHEST = -(2**63), 2**63 - 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_KEY = re.compile(r"[ -~]{1,512}", re.ASCII)


class MoveKind(StrEnum):
    """`restore` is written by the platform when Redis came back with less than the history knows."""

    ADD = "add"
    RESET = "reset"
    READ = "read"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Move:
    """One request: add an amount, reset to zero, or read."""

    kind: MoveKind
    amount: int = 0
    key: str | None = None
    actor: str | None = None  # who asks, for the history


@dataclass(frozen=True, slots=True)
class Answer:
    """The sum after a move; for a replayed key the first answer again, whoever gave it."""

    sum: int
    sequence: int
    at: datetime
    node_id: str
    is_replay: bool = False


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def is_key(key: str) -> bool:
    return _KEY.fullmatch(key) is not None


def checked_name(name: str) -> str:
    """The name, if it may name a sum."""
    if not is_name(name):
        raise InvalidInputError(
            f"{name[:80]!r} cannot name a sum: lower-case letters, digits, '.', '_' and '-', at most 64, "
            "the first one a letter or digit",
            field="name",
        )
    return name


def checked_key(key: str | None) -> str | None:
    """The idempotency key, if it is one that can be kept and compared."""
    if key is not None and not is_key(key):
        raise InvalidInputError(
            "an Idempotency-Key is 1 to 512 printable ASCII characters",
            field="Idempotency-Key",
            length=len(key),
        )
    return key


def time_from(microseconds: int) -> datetime:
    """The moment Redis noted, exactly."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
