"""Running sums, exact under any number of processes; see docs/running-sum.md for what is promised."""

from core.running_sum.journal import Head, HeldHistory, History, KnownKey, drain
from core.running_sum.moves import HIGHEST, LOWEST, Answer, Move, MoveKind, checked_name, is_name
from core.running_sum.sums import KEYS_REMEMBERED, Durability, RunningSums

__all__ = [
    "HIGHEST",
    "KEYS_REMEMBERED",
    "LOWEST",
    "Answer",
    "Durability",
    "Head",
    "HeldHistory",
    "History",
    "KnownKey",
    "Move",
    "MoveKind",
    "RunningSums",
    "checked_name",
    "drain",
    "is_name",
]
