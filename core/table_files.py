"""Write tables to CSV and Excel files that cannot carry a formula and lose no digit."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from core.cell_texts import fitting
from core.clock import iso

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SHEET_ROWS = 1_048_576
_EXACT_DIGITS = 15  # a workbook's numbers are doubles
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """A spreadsheet shows what begins like this as a formula; an apostrophe in front makes it text."""
    return f"'{text}" if text.startswith(_DANGEROUS) and not _PLAIN_NUMBER.fullmatch(text) else text


def shown(value: Any) -> str:
    """A value as text: nothing for null, times in UTC, decimals with all their digits."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return iso(value) or ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """RFC 4180 with a header, UTF-8; answers the number of rows."""
    count = 0
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\r\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([harmless(shown(value)) for value in row])
            count += 1
    return count


def write_xlsx(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, name: str) -> int:
    """One table, going on on a further sheet where a sheet is full. Numbers a double cannot hold become text."""
    count = 0
    # Constant memory: rows go to the disk as they come; strings are not taken for numbers, links or formulas.
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        bold = book.add_format({"bold": True})
        sheet, line = None, SHEET_ROWS
        for row in rows:
            if line >= SHEET_ROWS or sheet is None:
                sheet, line = _new_sheet(book, name, columns, bold), 1
            for column, value in enumerate(row):
                _write_cell(sheet, line, column, value)
            line += 1
            count += 1
        if sheet is None:
            _new_sheet(book, name, columns, bold)
    return count


def _new_sheet(book: Any, name: str, columns: Sequence[str], bold: Any) -> Any:
    number = len(book.worksheets()) + 1
    sheet = book.add_worksheet(name[:25] if number == 1 else f"{name[:25]} {number}")
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, columns, bold)
    return sheet


def _write_cell(sheet: Any, line: int, column: int, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(line, column, value)
    elif isinstance(value, int | Decimal) and len(Decimal(value).as_tuple().digits) <= _EXACT_DIGITS:
        sheet.write_number(line, column, value)
    else:
        sheet.write_string(line, column, fitting(shown(value)))
