"""Days out of date cells: serial numbers of either date system, and texts that can be read in one way only."""

import re
from collections.abc import Iterable
from datetime import date

import numpy as np

from core.workbook.cells import CellKind, Cells
from tasks.two_sum.amounts import value_at
from tasks.two_sum.entries import Integers

EPOCH = date(1899, 12, 30).toordinal()  # day 0 of the usual date system
SHIFT_1904 = 1462
LAST_SERIAL = 2_958_465  # 9999-12-31; larger whole numbers may be 20190516
NO_DAY = np.iinfo(np.int64).min
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", re.ASCII)
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?: .*)?", re.ASCII)
SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: .*)?", re.ASCII)


def day_of(text: str, *, month_first: bool | None = None) -> int | None:
    """The day a text names, as a serial number; a slashed one only if its order is known."""
    text = text.strip()
    if match := ISO.fullmatch(text) or COMPACT.fullmatch(text):
        return _serial(match[1], match[2], match[3])
    if match := DOTTED.fullmatch(text):
        return _serial(match[3], match[2], match[1])
    if (match := SLASHED.fullmatch(text)) and month_first is not None:
        return _serial(match[3], match[1], match[2]) if month_first else _serial(match[3], match[2], match[1])
    return None


def month_comes_first(texts: Iterable[str]) -> bool | None:
    """What a column of 3/25/2026 and 25/3/2026 proves; None if nothing, or both."""
    proofs = set()
    for text in texts:
        match = SLASHED.fullmatch(text.strip())
        if match:
            proofs |= {False} if int(match[1]) > 12 else {True} if int(match[2]) > 12 else set()  # noqa: PLR2004
    return proofs.pop() if len(proofs) == 1 else None


def days_of(cells: Cells, *, is_1904: bool) -> Integers:
    """The day of each cell, `NO_DAY` where there is none."""
    days = np.full(len(cells), NO_DAY, np.int64)
    plain = np.flatnonzero((cells.kinds == CellKind.NUMBER) & (cells.exponents > -10))  # noqa: PLR2004 - of int64
    whole = cells.mantissas[plain] // np.array([10**n for n in range(10)], np.int64)[-cells.exponents[plain]]
    sane = (whole >= 1) & (whole <= LAST_SERIAL)
    days[plain[sane]] = whole[sane] + (SHIFT_1904 if is_1904 else 0)
    month_first = month_comes_first(cells.texts)
    for place in np.flatnonzero(days == NO_DAY).tolist():
        value = value_at(cells, place)
        if value.kind is CellKind.TEXT or (value.kind is CellKind.NUMBER and value.exponent == 0):
            day = day_of(value.shown(), month_first=month_first)
            days[place] = NO_DAY if day is None else day
    return days


def _serial(year: str, month: str, day: str) -> int | None:
    try:
        return date(int(year), int(month), int(day)).toordinal() - EPOCH
    except ValueError:
        return None


def serial(day: date) -> int:
    return day.toordinal() - EPOCH


def iso(day: int) -> str:
    return date.fromordinal(day + EPOCH).isoformat()
