"""Keep spreadsheets from running what data says: texts that look like formulas get an apostrophe in front."""

from __future__ import annotations

import re

# The apostrophe itself is guarded too, so that a reader can take every guard off again.
# Line ends are skipped by some programs, and full-width signs are signs to those of East Asia.
RISKY = "^[=+\\-@\t\r\n'\uff1d\uff0b\uff0d\uff20]"
_RISKY = re.compile(RISKY)


def guarded(text: str) -> str:
    return f"'{text}" if _RISKY.match(text) else text
