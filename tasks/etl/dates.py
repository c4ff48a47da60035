"""Calendar dates and times in the forms people write them; what can be read two ways is not guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import Array, pa, pc
from tasks.etl.date_order import DateOrder
from tasks.etl.fields import trimmed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LAST_MONTH = 12
REMEMBERED = 50_000

_TIME = (
    r"(?:(?:T|t| +)(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r" *(?P<zone>Z|z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
)
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})" + _TIME, re.ASCII)
_COMPACT = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})" + _TIME, re.ASCII)
_COMPACT_TIME = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})[Tt]?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})"
    r"(?P<fraction>(?!))?(?P<zone>Z|z|[+-]\d{4})?",
    re.ASCII,
)
_YEAR_LAST = re.compile(
    r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second_part>\d{1,2})(?P=mark)(?P<year>\d{4})" + _TIME, re.ASCII
)
_DAY_NAMED = re.compile(r"(?P<day>\d{1,2})[- ](?P<named>[A-Za-z]{3,9})\.?,?[- ](?P<year>\d{4})" + _TIME, re.ASCII)
_NAMED_DAY = re.compile(r"(?P<named>[A-Za-z]{3,9})\.? (?P<day>\d{1,2}),? (?P<year>\d{4})" + _TIME, re.ASCII)
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]


class Reading(StrEnum):
    """What came of reading a field."""

    OK = "ok"
    MISSING = "missing"
    INVALID = "invalid"
    AMBIGUOUS = "ambiguous"


READINGS = tuple(Reading)


@dataclass(frozen=True)
class Moment:
    """A moment in UTC as microseconds since 1970; `is_day` when the text named a day and no time."""

    reading: Reading
    micros: int = 0
    is_day: bool = False


def moment(text: str | None, order: DateOrder | None = None) -> Moment:
    """Read one date or time. A time without a zone is taken as UTC."""
    bare = trimmed(text)
    if not bare:
        return Moment(Reading.MISSING)
    for form in (_YEAR_FIRST, _COMPACT, _COMPACT_TIME):
        if match := form.fullmatch(bare):
            return _moment(match, match["month"], match["day"])
    if match := _YEAR_LAST.fullmatch(bare):
        return _year_last(match, order)
    for form in (_DAY_NAMED, _NAMED_DAY):
        if match := form.fullmatch(bare):
            month = _named_month(match["named"].lower())
            return _moment(match, month, match["day"]) if month else Moment(Reading.INVALID)
    return Moment(Reading.INVALID)


def _year_last(match: re.Match[str], order: DateOrder | None) -> Moment:
    first, second = match["first"], match["second_part"]
    if order is DateOrder.MONTH_FIRST:
        return _moment(match, first, second)
    if order is DateOrder.DAY_FIRST or int(first) > LAST_MONTH or int(first) == int(second):
        return _moment(match, second, first)
    if int(second) > LAST_MONTH:
        return _moment(match, first, second)
    return Moment(Reading.AMBIGUOUS)


def _named_month(name: str) -> str | None:
    for number, month in enumerate(_MONTHS, start=1):
        if name in {month, month[:3]} or (name == "sept" and month == "september"):
            return str(number)
    return None


def _moment(match: re.Match[str], month: str, day: str) -> Moment:
    fraction = (match["fraction"] or "").ljust(9, "0")
    if fraction[6:] != "000":  # Postgres keeps microseconds: finer ones would be cut silently
        return Moment(Reading.INVALID)
    try:
        whole = datetime(
            int(match["year"]),
            int(month),
            int(day),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int(fraction[:6]),
            tzinfo=_zone(match["zone"]),
        )
        micros = (whole.astimezone(UTC) - EPOCH) // MICROSECOND
    except (ValueError, OverflowError):
        return Moment(Reading.INVALID)
    return Moment(Reading.OK, micros, is_day=match["hour"] is None)


def _zone(text: str | None) -> timezone:
    if text is None or text in {"Z", "z", "UTC"}:
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[2:])
    if minutes > 59:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{text} is not an offset from UTC")
    offset = timedelta(hours=int(digits[:2]), minutes=minutes)
    return timezone(-offset if text.startswith("-") else offset)


@dataclass(frozen=True)
class MomentColumn:
    """Moments of a batch; `readings` holds positions in READINGS."""

    micros: NDArray[np.int64]
    readings: NDArray[np.uint8]
    is_day: NDArray[np.bool_]


class DateReader:
    """Reads columns of dates; each distinct text is read once and remembered, within a bound."""

    def __init__(self, order: DateOrder | None = None) -> None:
        self._order = order
        self._known: dict[str | None, Moment] = {}

    def read(self, texts: Array) -> MomentColumn:
        encoded = texts if pa.types.is_dictionary(texts.type) else pc.dictionary_encode(texts)
        moments = self._moments(encoded.dictionary)
        indices = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        return MomentColumn(moments.micros[indices], moments.readings[indices], moments.is_day[indices])

    def _moments(self, distinct: Array) -> MomentColumn:
        """One entry per distinct text, and one more for null."""
        micros = np.zeros(len(distinct) + 1, np.int64)
        readings = np.zeros(len(distinct) + 1, np.uint8)
        is_day = np.zeros(len(distinct) + 1, bool)
        for index, text in enumerate([*distinct.to_pylist(), None]):
            known = self._known.get(text)
            if known is None:
                known = self._remember(text)
            micros[index] = known.micros
            readings[index] = READINGS.index(known.reading)
            is_day[index] = known.is_day
        return MomentColumn(micros, readings, is_day)

    def _remember(self, text: str | None) -> Moment:
        read = moment(text, self._order)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[text] = read
        return read
