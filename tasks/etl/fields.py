"""The seven columns of a transaction file, and when a field counts as empty or masked."""

from __future__ import annotations

import re

COLUMNS = ("id", "name", "company_id", "amount", "status", "created_at", "paid_at")
ID_LENGTH = 24
NAME_LENGTH = 130

# Trimmed from every field before a rule looks at it; one list, so that whole columns and single fields agree.
BLANKS = " \t\r\n\v\f\u00a0\ufeff"
NOTHING = frozenset({"", "null", "none", "nan", "n/a", "\\n"})
MASKED = r"[#xX?•._-]+"
_MASK = re.compile(MASKED)

# How an id begins that is missing or masked, unless it holds a `*`; few others begin like that.
SUSPICIOUS_STARTS = "#xX?•._-nN\\"


def trimmed(text: str | None) -> str:
    """The field without surrounding blanks; what people write for nothing becomes the empty string."""
    bare = (text or "").strip(BLANKS)
    return "" if bare.lower() in NOTHING else bare


def is_masked(text: str) -> bool:
    """Whether an id was made unreadable: it holds a `*`, or nothing but mask characters."""
    return "*" in text or _MASK.fullmatch(text) is not None
