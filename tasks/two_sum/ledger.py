"""Read what a question needs out of a file: amounts, keys and dates, and where each of them stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, cast

import numpy as np

from core.errors import InvalidInputError
from core.workbook import header
from core.workbook.cells import Cells
from core.workbook.header import Column, Header, ReadText, no_number
from core.workbook.source import Head, SheetInfo, Source, Tick, no_tick
from tasks.two_sum import dates, keys
from tasks.two_sum.amounts import Decimals, Reading, SkipReason, Skips, amounts_of
from tasks.two_sum.contract import Table, TextNumbers
from tasks.two_sum.entries import SAFE, Amounts, Integers, Marks
from tasks.two_sum.keys import KeyBook
from tasks.two_sum.text_numbers import parse_text, words_of

EVERY_SHEET = "*"


@dataclass(frozen=True)
class Part:
    """What one sheet gave."""

    sheet: SheetInfo
    header: Header
    column: Column
    numbers: Decimals
    groups: Integers | None
    days: Integers | None
    skips: Skips
    named: frozenset[int] = frozenset()  # the columns that the question is about


@dataclass(frozen=True)
class Place:
    """Which sheet, its date system, and whether its numbers are texts."""

    sheet: SheetInfo
    is_1904: bool
    is_all_text: bool


@dataclass(frozen=True)
class Spotted:
    """Where an entry stands."""

    sheet: str
    cell: str
    row: int
    position: int


@dataclass
class Ledger:
    """The entries of one table, over all its sheets, in reading order."""

    parts: Sequence[Part]
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._starts = [0, *np.cumsum([len(part.numbers.rows) for part in self.parts]).tolist()]

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def scale(self) -> int:
        return max((part.numbers.scale for part in self.parts), default=0)

    def values(self, scale: int) -> Amounts:
        """All amounts as whole numbers of 10^-scale."""
        each = [part.numbers.scaled(scale) for part in self.parts]
        if len(each) == 1:
            return each[0]
        joined: Any = np.concatenate(each) if each else np.empty(0, np.int64)
        return cast("Amounts", joined)

    def groups(self) -> Integers | None:
        each = [part.groups for part in self.parts if part.groups is not None]
        return np.concatenate(each) if each else None

    def days(self) -> Integers | None:
        each = [part.days for part in self.parts if part.days is not None]
        return np.concatenate(each) if each else None

    def spot(self, place: int) -> Spotted:
        at = int(np.searchsorted(self._starts, place, side="right")) - 1
        part = self.parts[at]
        row = int(part.numbers.rows[place - self._starts[at]])
        cell = f"{part.column.letter}{row}"
        return Spotted(part.sheet.name, cell, row, row - part.header.first_data_row)

    def rows(self, places: Integers) -> tuple[Integers, Integers]:
        """For each place the number of its part and its row."""
        parts = np.searchsorted(self._starts, places, side="right") - 1
        rows = np.concatenate([part.numbers.rows for part in self.parts]) if self.parts else np.empty(0, np.int64)
        return parts, rows[places]

    def skipped(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for part in self.parts:
            for reason, count in part.skips.counts.items():
                counts[reason] = counts.get(reason, 0) + count
        return counts


@dataclass(frozen=True)
class Roles:
    """The columns that a table's options name, found in one sheet."""

    header: Header
    amounts: Sequence[Column]  # one, or debit and credit
    sign: Column | None
    equal_by: Sequence[Column]
    date: Column | None
    where: Sequence[Column]

    def wanted(self, table: Table) -> dict[int, bool]:
        """Every column to read, and whether its texts are needed."""
        reads_text = table.text_numbers is not TextNumbers.OFF
        found = dict.fromkeys((column.index for column in self.amounts), reads_text)
        others = [*self.equal_by, *self.where, *(each for each in (self.sign, self.date) if each is not None)]
        return found | {column.index: True for column in others}


def _typed_amounts(table: Table) -> ReadText:
    """What a text of the head means, if amounts may be typed: nothing is counted by it, so either style will do."""
    if table.text_numbers is TextNumbers.OFF:
        return no_number
    styles = [TextNumbers.POINT, TextNumbers.COMMA] if table.text_numbers is TextNumbers.AUTO else [table.text_numbers]
    signs = words_of(table.negative_signs, table.positive_signs)
    return lambda text: next((value for style in styles if (value := parse_text(text, style, signs))), None)


def roles_in(head: Head, table: Table) -> Roles:
    """Find every named column; what is missing is said with the nearest names."""
    named = [table.column, table.debit_column, table.credit_column, table.sign_column, table.date_column]
    named += [*table.equal_by, *(each.column for each in table.where)]
    found = _header(head, table.header_row, [name for name in named if name is not None])
    if table.debit_column is not None and table.credit_column is not None:
        amounts = [found.find(table.debit_column), found.find(table.credit_column)]
    else:
        amounts = [found.automatic(_typed_amounts(table)) if table.column is None else found.find(table.column)]
    return Roles(
        found,
        amounts,
        None if table.sign_column is None else found.find(table.sign_column),
        [found.find(name) for name in table.equal_by],
        None if table.date_column is None else found.find(table.date_column),
        [found.find(each.column) for each in table.where],
    )


def _header(head: Head, row: int | None, named: Sequence[str]) -> Header:
    if row is not None:
        return header.with_row(head, row)
    for name in named:
        found = header.holding(head, name)
        if any(keys.plain(column.name) == keys.plain(name) for column in found.columns):
            return found
    return header.guess(head)


def sheets_of(source: Source, table: Table) -> list[tuple[SheetInfo, Roles]]:
    """The sheets to read; of all sheets those that have the columns."""
    sheets = header.find_sheets(source.sheets, table.sheet)
    if table.sheet != EVERY_SHEET or len(sheets) == 1:
        return [(sheet, roles_in(source.head(sheet), table)) for sheet in sheets]
    found, refused = [], None
    for sheet in sheets:
        try:
            found.append((sheet, roles_in(source.head(sheet), table)))
        except InvalidInputError as error:
            refused = error
    if not found and refused is not None:
        raise refused
    return found


def read_ledger(source: Source, table: Table, book: KeyBook, tick: Tick = no_tick) -> Ledger:
    """Read the table's entries; `book` is shared by tables whose keys are compared."""
    parts = []
    for sheet, roles in sheets_of(source, table):
        cells = source.columns(sheet, roles.wanted(table), roles.header.first_data_row, tick)
        parts.append(_part(cells, roles, table, book, Place(sheet, source.is_1904, source.format == "csv")))
    return Ledger(parts)


def _part(cells: dict[int, Cells], roles: Roles, table: Table, book: KeyBook, place: Place) -> Part:
    skips = Skips()
    signs = words_of(table.negative_signs, table.positive_signs)
    numbers = _amounts(cells, roles, table, Reading(table.text_numbers, signs, place.is_all_text), skips)
    rows = numbers.rows
    keep = np.ones(len(rows), np.bool_)
    for each, column in zip(table.where, roles.where, strict=True):
        keep &= keys.rows_holding(cells[column.index], rows, each.equals)
    groups = days = None
    if roles.equal_by:
        groups = book.combine([book.codes(cells[column.index], rows) for column in roles.equal_by])
        bad = keep & (groups == keys.NO_KEY)
        _skip(rows[bad], roles.equal_by[0], SkipReason.NO_KEY, skips)
        keep &= ~bad
    if roles.date is not None:
        dated = cells[roles.date.index]
        days = keys.at_rows(dated.rows, dates.days_of(dated, is_1904=place.is_1904), rows, dates.NO_DAY)
        bad = keep & (days == dates.NO_DAY)
        _skip(rows[bad], roles.date, SkipReason.NO_DATE, skips, keys.shown_at(dated, rows[bad]))
        keep &= ~bad
    if not keep.all():
        numbers = _only(numbers, keep)
        groups = None if groups is None else groups[keep]
        days = None if days is None else days[keep]
    return Part(
        place.sheet, roles.header, roles.amounts[0], numbers, groups, days, skips, frozenset(roles.wanted(table))
    )


def _skip(rows: Integers, column: Column, reason: SkipReason, skips: Skips, shown: Iterable[str] = repeat("")) -> None:
    for row, text in zip(rows.tolist(), shown, strict=False):
        skips.add(row, column.index, reason, text)


def _only(numbers: Decimals, keep: Marks) -> Decimals:
    places = np.cumsum(keep) - 1
    large = {int(places[at]): value for at, value in numbers.large.items() if keep[at]}
    return Decimals(numbers.rows[keep], numbers.mantissas[keep], numbers.exponents[keep], large)


def _amounts(cells: dict[int, Cells], roles: Roles, table: Table, reading: Reading, skips: Skips) -> Decimals:
    first, *second = (amounts_of(cells[column.index], column.index, reading, skips) for column in roles.amounts)
    if second:
        return _debit_minus_credit(first, second[0])
    if roles.sign is not None:
        return _signed(first, cells[roles.sign.index], roles.sign, table, skips)
    return first


def _signed(numbers: Decimals, signs: Cells, column: Column, table: Table, skips: Skips) -> Decimals:
    """Amounts turned negative where the sign column says so; an unknown sign is not guessed."""
    minus = {_sign(each) for each in table.negative_signs}
    plus = {"", *map(_sign, table.positive_signs)}
    factors = np.zeros(len(numbers.rows), np.int64)
    for place, shown in enumerate(keys.shown_at(signs, numbers.rows)):
        sign = _sign(shown)
        if sign in minus:
            factors[place] = -1
        elif sign in plus:
            factors[place] = 1
        else:
            skips.add(int(numbers.rows[place]), column.index, SkipReason.UNKNOWN_SIGN, shown)
    large = {place: (mantissa * int(factors[place]), exp) for place, (mantissa, exp) in numbers.large.items()}
    return _only(Decimals(numbers.rows, numbers.mantissas * factors, numbers.exponents, large), factors != 0)


def _sign(shown: str) -> str:
    """`Cr.` is `cr`."""
    return keys.plain(shown).removesuffix(".")


def _debit_minus_credit(debit: Decimals, credit: Decimals) -> Decimals:
    """One amount for each row that has either."""
    scale = max(debit.scale, credit.scale)
    rows: Integers = np.union1d(debit.rows, credit.rows)
    totals: dict[int, int] = dict.fromkeys(rows.tolist(), 0)
    for sign, numbers in ((1, debit), (-1, credit)):
        for row, value in zip(numbers.rows.tolist(), numbers.scaled(scale).tolist(), strict=True):
            totals[row] += sign * value
    values = list(totals.values())
    large = {place: (value, -scale) for place, value in enumerate(values) if abs(value) >= SAFE}
    mantissas = np.array([0 if place in large else value for place, value in enumerate(values)], np.int64)
    return Decimals(rows, mantissas, np.full(len(rows), -scale, np.int8), large)
