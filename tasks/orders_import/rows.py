"""Tell an order from a bad row, with every reason at once; nothing is guessed and nothing rounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.workbook.cells import CellKind, CellValue, number_value
from core.workbook.decimals import as_decimal

STATUSES = ("PENDING", "PAID", "CANCELLED")
NAMES = ("id", "customer_id", "amount", "status", "created_at")
# An order's number leaves room above it, so that those given later never run out.
LARGEST_ID = 10**15
_LARGEST = 2**63 - 1
_LARGEST_AMOUNT = Decimal("99999999.99")
_CLOCKS_DIFFER_BY = timedelta(minutes=1)
_MOST_DIGITS = 40
_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,6})?)?\s?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_FIRST_DAY = {False: datetime(1899, 12, 30, tzinfo=UTC), True: datetime(1904, 1, 1, tzinfo=UTC)}
_LAST_SERIAL = 2_958_465  # Excel's days end with the year 9999
_MICROSECONDS_OF_DAY = 86_400_000_000


class BadValueError(ValueError):
    """A cell cannot be used; the message says why in a few words."""


@dataclass(frozen=True)
class OrderRow:
    row: int
    id: int | None
    customer_id: int
    amount: Decimal
    status: str
    created_at: datetime


@dataclass(frozen=True)
class RowReader:
    """Reads rows as of one moment, with one workbook's calendar."""

    now: datetime
    is_1904: bool = False

    def read(self, row: int, cells: Mapping[str, CellValue]) -> OrderRow | list[str]:
        """The order, or every reason why it is none. Empty cells are left out of `cells`."""
        readers: dict[str, Callable[[CellValue], Any]] = {
            "customer_id": lambda cell: _number(cell, _LARGEST),
            "amount": _amount,
            "status": _status,
            "created_at": self._moment,
        }
        if "id" in cells:
            readers["id"] = lambda cell: _number(cell, LARGEST_ID)
        found: dict[str, Any] = {"id": None}
        reasons: list[str] = []
        for name, read in readers.items():
            cell = cells.get(name)
            if cell is None or not cell.shown().strip():
                reasons.append(f"{name} is missing")
                continue
            try:
                found[name] = read(cell)
            except BadValueError as error:
                reasons.append(f"{name} {error}")
        return reasons or OrderRow(row=row, **found)

    def _moment(self, cell: CellValue) -> datetime:
        if cell.kind is CellKind.NUMBER:
            moment = self._from_number(as_decimal(cell.mantissa, cell.exponent), cell)
        else:
            moment = _from_text(_text(cell))
        if moment > self.now + _CLOCKS_DIFFER_BY:
            raise BadValueError(f"{moment.isoformat()} lies in the future")
        return moment

    def _from_number(self, number: Decimal, cell: CellValue) -> datetime:
        """`20260521` is written so; a smaller number is what a workbook counts days with."""
        if number == number.to_integral_value() and number > _LAST_SERIAL:
            digits = f"{number:f}"
            if len(digits) != len("20260521"):
                raise BadValueError(f"{_short(cell)} is no date")
            return _from_text(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
        if not 1 <= number <= _LAST_SERIAL + 1:
            raise BadValueError(f"{_short(cell)} is no date")
        return _FIRST_DAY[self.is_1904] + timedelta(microseconds=round(number * _MICROSECONDS_OF_DAY))


def _from_text(text: str) -> datetime:
    """ISO 8601; without a zone it is UTC."""
    if not _WRITTEN.fullmatch(text):
        raise BadValueError(f"{text[:60]!r} is no date like 2026-05-21 or 2026-05-21T10:30:00Z")
    try:
        moment = datetime.fromisoformat(text.replace(",", ".").replace(" Z", "Z"))
    except ValueError:
        raise BadValueError(f"{text!r} is not in the calendar") from None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise BadValueError(f"{text!r} is not in the calendar") from None


def _number(cell: CellValue, largest: int) -> int:
    value = _decimal(cell)
    if value != value.to_integral_value():
        raise BadValueError(f"{_short(cell)} is not a whole number")
    if not 1 <= value <= largest:
        raise BadValueError(f"{_short(cell)} is not between 1 and {largest}")
    return int(value)


def _amount(cell: CellValue) -> Decimal:
    value = _decimal(cell)
    if not 0 <= value <= _LARGEST_AMOUNT:
        raise BadValueError(f"{_short(cell)} is not between 0 and {_LARGEST_AMOUNT}")
    exact = value.quantize(Decimal("0.01"))
    if exact != value:
        raise BadValueError(f"{_short(cell)} has more than two decimals")
    return exact


def _status(cell: CellValue) -> str:
    status = _text(cell).upper()
    if status not in STATUSES:
        raise BadValueError(f"{_short(cell)} is none of {', '.join(STATUSES)}")
    return status


def _decimal(cell: CellValue) -> Decimal:
    if cell.kind is CellKind.TEXT:  # A workbook may keep plain numbers as text.
        cell = number_value(_text(cell)) or cell
    if cell.kind is not CellKind.NUMBER or abs(cell.exponent) > _MOST_DIGITS:
        raise BadValueError(f"{_short(cell)} is not a usable number")
    return as_decimal(cell.mantissa, cell.exponent)


def _text(cell: CellValue) -> str:
    return cell.shown().strip()


def _short(cell: CellValue) -> str:
    text = _text(cell)
    return repr(text if len(text) <= 60 else f"{text[:57]}...")  # noqa: PLR2004 - fits a line
