"""Tables as CSV or Excel answers: made page by page, and no cell of data ever becomes a formula."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import xlsxwriter
from flask import Response

from core.cell_texts import fitting
from core.errors import TooLargeError
from core.formula_guard import guarded

MOST_SHEET_ROWS = 1_048_575
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PIECE = 256 * 1024
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}

Pages = Iterable[Sequence[Sequence[Any]]]
Chart = Callable[[Any], None]  # adds what it likes to the finished workbook


def csv_response(name: str, header: Sequence[str], pages: Pages) -> Response:
    """Streamed: nothing of it is held but the page at hand."""

    def pieces() -> Iterator[str]:
        yield _csv([header])
        for page in pages:
            yield _csv([[_text(value) for value in row] for row in page])

    return Response(pieces(), content_type="text/csv; charset=utf-8", headers=_named(name))


def xlsx_response(name: str, header: Sequence[str], pages: Pages, *, chart: Chart | None = None) -> Response:
    """A workbook, written to disk row by row and then sent."""
    target = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the response
    with xlsxwriter.Workbook(target, _OPTIONS) as book:
        sheet = book.add_worksheet("Data")
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, header, book.add_format({"bold": True}))
        formats = {
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            Decimal: book.add_format({"num_format": "#,##0.00"}),
        }
        row = 0
        for page in pages:
            for values in page:
                row += 1
                if row > MOST_SHEET_ROWS:
                    raise TooLargeError("more rows than a sheet can hold; ask for CSV, or for fewer", rows=row)
                _write_row(sheet, row, values, formats)
        if chart is not None:
            chart(book)
    size = target.tell()
    target.seek(0)
    response = Response(iter(lambda: target.read(_PIECE), b""), content_type=XLSX, headers=_named(name))
    response.headers["Content-Length"] = str(size)
    response.call_on_close(target.close)
    return response


def _write_row(sheet: Any, row: int, values: Sequence[Any], formats: dict[type, Any]) -> None:
    for column, value in enumerate(values):
        match value:
            case None:
                pass
            case datetime() | date():
                sheet.write_datetime(row, column, value, formats[type(value)])
            # A sheet's numbers have 15 digits: longer amounts stay exact as texts.
            case Decimal() if len(value.as_tuple().digits) <= 15:  # noqa: PLR2004
                sheet.write_number(row, column, value, formats[Decimal])
            case int():
                sheet.write_number(row, column, value)
            case _:
                sheet.write_string(row, column, fitting(_plain(value)))


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _text(value: Any) -> Any:
    return guarded(_plain(value)) if isinstance(value, str | list) else value


def _plain(value: Any) -> str:
    return "; ".join(value) if isinstance(value, list) else str(value)


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}", "Cache-Control": "no-store"}
