"""What a file looks like before anybody asks it something: sheets, columns, types, first rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import InvalidInputError
from core.workbook import header
from core.workbook.cells import CellKind, CellValue
from core.workbook.decimals import as_decimal
from core.workbook.header import Column, Header
from core.workbook.source import HeadCell, SheetInfo, Source

FIRST_ROWS = 10
MOST_SHEETS = 20
MOST_COLUMNS = 100
SHOWN = 200
FIRST_DAY, FIRST_DAY_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - a sheet knows no zones
LAST_SERIAL = 2_957_000  # some years before 9999, in either system
TYPES = {
    CellKind.NUMBER: "number",
    CellKind.BIG: "number",
    CellKind.BOOLEAN: "boolean",
    CellKind.ERROR: "error",
    CellKind.NO_VALUE: "formula without value",
}


@dataclass(frozen=True)
class ColumnPreview:
    letter: str
    name: str
    type: str  # number, date, text, boolean, error, mixed, empty


@dataclass(frozen=True)
class RowPreview:
    row: int
    cells: Sequence[str | None]


@dataclass(frozen=True)
class SheetPreview:
    """A sheet's guessed header, its columns, and its first rows as people read them."""

    name: str
    index: int
    hidden: bool
    header_row: int  # 0: there is none
    columns: Sequence[ColumnPreview]
    first_rows: Sequence[RowPreview]
    amount_column: str | None  # what `column` would be if nobody says


@dataclass(frozen=True)
class Preview:
    format: str
    sheets: Sequence[SheetPreview]
    sheet_count: int


def preview(source: Source) -> Preview:
    """Read the heads only; the first sheets of a workbook with very many."""
    sheets = [_sheet(source, sheet) for sheet in source.sheets[:MOST_SHEETS]]
    return Preview(source.format, sheets, len(source.sheets))


def _sheet(source: Source, sheet: SheetInfo) -> SheetPreview:
    head = source.head(sheet)
    found = header.guess(head)
    columns = list(found.columns)[:MOST_COLUMNS]
    below = [(number, row) for number, row in head.rows.items() if number > found.row]
    try:
        amounts: Column | None = found.automatic()
    except InvalidInputError:
        amounts = None
    return SheetPreview(
        sheet.name,
        sheet.index,
        sheet.hidden,
        found.row,
        [ColumnPreview(column.letter, column.name, _type(found, column)) for column in columns],
        [
            RowPreview(number, [_shown(row.get(column.index), is_1904=source.is_1904) for column in columns])
            for number, row in below[:FIRST_ROWS]
        ],
        None if amounts is None else amounts.name or amounts.letter,
    )


def _shown(cell: HeadCell | None, *, is_1904: bool) -> str | None:
    if cell is None:
        return None
    moment = _moment(cell.value, is_1904=is_1904) if cell.is_date else None
    return moment or cell.value.shown()[:SHOWN]


def _moment(value: CellValue, *, is_1904: bool) -> str | None:
    """A date cell's number as a date, with its time if it has one; None for what is no day of the calendar."""
    if value.kind is not CellKind.NUMBER:
        return None
    serial = as_decimal(value.mantissa, value.exponent)
    if not 1 <= serial < LAST_SERIAL:
        return None
    moment = (FIRST_DAY_1904 if is_1904 else FIRST_DAY) + timedelta(seconds=round(serial * 86_400))
    return moment.isoformat(" ").removesuffix(" 00:00:00")


def _type(found: Header, column: Column) -> str:
    kinds = {
        "date" if cell.is_date else TYPES.get(cell.value.kind, "text")
        for number, row in found.head.rows.items()
        if number > found.row and (cell := row.get(column.index)) is not None
    }
    if not kinds:
        return "empty"
    return kinds.pop() if len(kinds) == 1 else "mixed"
