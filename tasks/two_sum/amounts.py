"""A column's cells as exact amounts, and every cell that is none with its reason."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.workbook.cells import CellKind, Cells, CellValue
from core.workbook.decimals import parse
from core.workbook.text_cells import GROUPED_BELOW, GROUPED_FROM, THOUSANDS
from tasks.two_sum import native_pairs
from tasks.two_sum.contract import TextNumbers
from tasks.two_sum.entries import SAFE, Amounts, Integers, Marks
from tasks.two_sum.text_numbers import USUAL, Signs, bare, styles_proven, value_of

POWERS = [10**n for n in range(128)]
SHOWN_TEXT = 80


class SkipReason(StrEnum):
    """Why a cell takes no part. Stored and shown: never renamed."""

    TEXT = "text"
    AMBIGUOUS_TEXT = "ambiguous_text"
    BOOLEAN = "boolean"
    ERROR = "error"
    NO_VALUE = "formula_without_value"
    NO_DATE = "no_date"
    NO_KEY = "no_key"
    UNKNOWN_SIGN = "unknown_sign"


@dataclass(frozen=True)
class Skip:
    """One cell that was left out."""

    row: int
    column: int
    reason: SkipReason
    shown: str = ""


@dataclass
class Skips:
    """Every skipped cell is counted; the first of them are kept with what they show."""

    most: int = 10_000
    counts: dict[SkipReason, int] = field(default_factory=dict)
    kept: list[Skip] = field(default_factory=list)

    def add(self, row: int, column: int, reason: SkipReason, shown: str = "") -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        if len(self.kept) < self.most:
            self.kept.append(Skip(row, column, reason, shown[:SHOWN_TEXT]))


@dataclass(frozen=True)
class Decimals:
    """Exact numbers of one column; those beyond 64 bits stand apart by their place."""

    rows: Integers
    mantissas: Integers
    exponents: npt.NDArray[np.int8]
    large: dict[int, tuple[int, int]]

    @property
    def scale(self) -> int:
        """The decimals the finest of them needs."""
        finest = -int(self.exponents.min()) if len(self.exponents) else 0
        return max([finest, *(-exponent for _, exponent in self.large.values())])

    def scaled(self, scale: int) -> Amounts:
        """The amounts as whole numbers of 10^-scale."""
        if not self.large and (native := native_pairs.scaled(self.mantissas, self.exponents, scale)) is not None:
            return native
        shifts: Integers = self.exponents + np.int64(scale)
        largest = max(abs(int(self.mantissas.max())), abs(int(self.mantissas.min()))) if len(self.mantissas) else 0
        widest = int(shifts.max()) if len(shifts) else 0
        if not self.large and widest <= 18 and largest * POWERS[widest] < SAFE:  # noqa: PLR2004 - of int64
            if widest == 0:
                return self.mantissas
            return self.mantissas * np.array(POWERS[:19], np.int64)[shifts]
        values = [
            mantissa * 10**shift for mantissa, shift in zip(self.mantissas.tolist(), shifts.tolist(), strict=True)
        ]
        for place, (mantissa, exponent) in self.large.items():
            values[place] = mantissa * 10 ** (exponent + scale)
        return np.array(values, np.object_)


REASONS = {
    CellKind.SHARED: SkipReason.TEXT,
    CellKind.TEXT: SkipReason.TEXT,
    CellKind.BOOLEAN: SkipReason.BOOLEAN,
    CellKind.ERROR: SkipReason.ERROR,
    CellKind.NO_VALUE: SkipReason.NO_VALUE,
}


class Reading(NamedTuple):
    """How a column's texts may be read as numbers."""

    style: TextNumbers
    signs: Signs = USUAL
    is_all_text: bool = False  # a CSV file's numbers are texts too: 1.500 may be fifteen hundred


def amounts_of(cells: Cells, column: int, reading: Reading, skips: Skips) -> Decimals:
    """The column's numbers in the order of their rows."""
    if bool(np.any(cells.rows[1:] < cells.rows[:-1])):
        order = np.argsort(cells.rows, kind="stable")
        cells = Cells(
            cells.rows[order], cells.kinds[order], cells.mantissas[order], cells.exponents[order], cells.texts
        )
    odd = np.flatnonzero(cells.kinds != CellKind.NUMBER)
    grouped = _grouped(cells, reading)
    proven = _proven(cells, grouped, reading)
    exponents, keep = cells.exponents, cells.kinds == CellKind.NUMBER
    if proven is TextNumbers.COMMA and grouped.any():
        exponents = np.where(grouped, np.int8(0), exponents)
    elif proven is None and grouped.any():
        keep &= ~grouped
        odd = np.flatnonzero(~keep)
    if not odd.size:
        return Decimals(cells.rows, cells.mantissas, exponents, {})
    found: dict[int, tuple[int, int]] = {}
    for place in odd.tolist():
        value = value_at(cells, place)
        number = _number(value, reading, proven)
        if isinstance(number, CellValue):
            keep[place] = True
            found[place] = _exact(number)
        else:
            skips.add(int(cells.rows[place]), column, number, _as_written(value))
    mantissas, exponents = cells.mantissas.copy(), exponents.copy()
    new_places = np.cumsum(keep) - 1
    large: dict[int, tuple[int, int]] = {}
    for place, (mantissa, exponent) in found.items():
        if abs(mantissa) < SAFE and exponent >= -18:  # noqa: PLR2004 - digits of int64
            mantissas[place], exponents[place] = mantissa, exponent
        else:
            mantissas[place], exponents[place] = 0, 0
            large[int(new_places[place])] = (mantissa, exponent)
    return Decimals(cells.rows[keep], mantissas[keep], exponents[keep], large)


def _grouped(cells: Cells, reading: Reading) -> Marks:
    """Numbers that were written like 1.500, which the reader of text files keeps at three decimals."""
    if not reading.is_all_text or reading.style in {TextNumbers.OFF, TextNumbers.POINT}:
        return np.zeros(len(cells), np.bool_)
    size = np.abs(cells.mantissas)
    marks: Marks = (cells.kinds == CellKind.NUMBER) & (cells.exponents == -THOUSANDS)
    return marks & (size >= GROUPED_FROM) & (size < GROUPED_BELOW)


def _proven(cells: Cells, grouped: Marks, reading: Reading) -> TextNumbers | None:
    """The style of the column: as asked, or what its own texts prove."""
    if reading.style is not TextNumbers.AUTO:
        return reading.style
    texts = np.flatnonzero(cells.kinds == CellKind.TEXT)
    votes = styles_proven((cells.texts[at] for at in cells.mantissas[texts].tolist()), reading.signs)
    if reading.is_all_text and bool(np.any((cells.kinds == CellKind.NUMBER) & (cells.exponents < 0) & ~grouped)):
        votes.add(TextNumbers.POINT)
    return votes.pop() if len(votes) == 1 else None


def _number(value: CellValue, reading: Reading, proven: TextNumbers | None) -> CellValue | SkipReason:
    if value.kind is CellKind.BIG:
        return value
    if value.kind is CellKind.NUMBER:
        return SkipReason.AMBIGUOUS_TEXT
    number = None
    if value.kind is CellKind.TEXT and reading.style is not TextNumbers.OFF:
        number = bare(value.text, reading.signs)
    if number is None:
        return REASONS[value.kind]
    if proven is not None:
        return value_of(number, proven) or SkipReason.TEXT
    point, comma = value_of(number, TextNumbers.POINT), value_of(number, TextNumbers.COMMA)
    if point is not None and comma is not None and point != comma:
        return SkipReason.AMBIGUOUS_TEXT
    return point or comma or SkipReason.TEXT


def _as_written(value: CellValue) -> str:
    """A number that is left out was written with all its three decimals."""
    return f"{value.mantissa / 10**THOUSANDS:.3f}" if value.kind is CellKind.NUMBER else value.shown()


def _exact(value: CellValue) -> tuple[int, int]:
    if value.kind is CellKind.BIG:
        parsed = parse(value.text)
        whole, _, fraction = value.text.partition(".")
        return parsed if parsed and not fraction else (int(whole + fraction), -len(fraction))
    return value.mantissa, value.exponent


def value_at(cells: Cells, place: int) -> CellValue:
    """One cell of the arrays, understood; a shared string that was not looked up has no text."""
    kind, mantissa = CellKind(int(cells.kinds[place])), int(cells.mantissas[place])
    if kind in {CellKind.BIG, CellKind.TEXT, CellKind.ERROR}:
        return CellValue(kind, text=cells.texts[mantissa])
    return CellValue(kind, mantissa, int(cells.exponents[place]))
