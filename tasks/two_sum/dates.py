"""Days out of date cells: serial numbers of either date system, and texts that can be read in one way only."""

import calendar
import re
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType

import numpy as np

from core.workbook.cells import CellKind, Cells
from tasks.two_sum.amounts import value_at
from tasks.two_sum.entries import Integers

EPOCH = date(1899, 12, 30).toordinal()  # day 0 of the usual date system
SHIFT_1904 = 1462
LAST_SERIAL = 2_958_465  # 9999-12-31; larger whole numbers may be 20190516
LAST_MONTH = 12
NO_DAY = np.iinfo(np.int64).min
ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ].*)?", re.ASCII)
COMPACT = re.compile(r"(\d{4})()(\d{2})(\d{2})", re.ASCII)
DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?: .*)?", re.ASCII)
SLASHED = re.compile(r"(\d{1,2})([-/])(\d{1,2})\2(\d{4})(?: .*)?", re.ASCII)
NAMED = re.compile(r"(\d{1,2})[- ]([a-z]{3,9})\.?,?[- ](\d{4})(?: .*)?", re.ASCII | re.IGNORECASE)
NAME_FIRST = re.compile(r"([a-z]{3,9})\.? (\d{1,2}),? (\d{4})(?: .*)?", re.ASCII | re.IGNORECASE)
MONTHS = [calendar.month_name[at].lower() for at in range(1, 13)]  # those of the C locale, which no process leaves
POWERS = np.array([10**n for n in range(19)], np.int64)


def day_of(text: str, month_first: Mapping[str, bool] = MappingProxyType({})) -> int | None:
    """The day a text names, as a serial number; a slashed or dashed one only if the order of its mark is known."""
    text = text.strip()
    if match := ISO.fullmatch(text) or COMPACT.fullmatch(text):
        return _serial(match[1], match[3], match[4])
    if match := DOTTED.fullmatch(text):
        return _serial(match[3], match[2], match[1])
    if (match := SLASHED.fullmatch(text)) and match[2] in month_first:
        first, second = (match[1], match[3]) if month_first[match[2]] else (match[3], match[1])
        return _serial(match[4], first, second)
    if match := NAMED.fullmatch(text):
        return _serial(match[3], _month(match[2]), match[1])
    if match := NAME_FIRST.fullmatch(text):
        return _serial(match[3], _month(match[1]), match[2])
    return None


def _month(name: str) -> str:
    """Its number; 0, which no calendar has, for a name that is none."""
    written = name.lower()
    return str(next((at for at, month in enumerate(MONTHS, start=1) if written in {month, month[:3]}), 0))


def month_comes_first(texts: Iterable[str]) -> dict[str, bool]:
    """What a column of 3/25/2026 or 25-3-2026 proves, by mark; nothing where it proves both."""
    proofs: dict[str, set[bool]] = {}
    for text in texts:
        match = SLASHED.fullmatch(text.strip())
        if match and (int(match[1]) > LAST_MONTH or int(match[3]) > LAST_MONTH):
            proofs.setdefault(match[2], set()).add(int(match[3]) > LAST_MONTH)
    return {mark: found.pop() for mark, found in proofs.items() if len(found) == 1}


def days_of(cells: Cells, *, is_1904: bool) -> Integers:
    """The day of each cell, `NO_DAY` where there is none."""
    days = np.full(len(cells), NO_DAY, np.int64)
    # A moment of a day has ten decimals and more: 46027.9993055556.
    plain = np.flatnonzero((cells.kinds == CellKind.NUMBER) & (cells.exponents > -len(POWERS)))
    whole = cells.mantissas[plain] // POWERS[-cells.exponents[plain]]
    sane = (whole >= 1) & (whole <= LAST_SERIAL)
    days[plain[sane]] = whole[sane] + (SHIFT_1904 if is_1904 else 0)
    month_first = month_comes_first(cells.texts)
    for place in np.flatnonzero(days == NO_DAY).tolist():
        value = value_at(cells, place)
        if value.kind is CellKind.TEXT or (value.kind is CellKind.NUMBER and value.exponent == 0):
            day = day_of(value.shown(), month_first)
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
