"""Running sums, exact under any number of processes; see docs/running-sum.md for what is promised."""

from core.running_sum.journal import Head, HeldHistory, History, KnownKey, drain
from core.running_sum.moves import Answer, MoveKind, checked_name
from core.running_sum.sums import KEYS_REMEMBERED, Durability, RunningSums

__all__ = [
    "KEYS_REMEMBERED",
    "Answer",
    "Durability",
    "Head",
    "HeldHistory",
    "History",
    "KnownKey",
    "MoveKind",
    "RunningSums",
    "checked_name",
    "drain",
]
