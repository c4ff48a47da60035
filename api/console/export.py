"""Jobs as CSV and as a workbook, written while they are read, with nothing in them that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import xlsxwriter
from flask import Response, stream_with_context

from core.clock import now
from core.exact_json import dumps

_MOST = 100_000
_AT_ONCE = 500
_PIECE = 256 * 1024
# A cell that begins like this is a formula to some spreadsheet; an apostrophe in front makes it text.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "|")
_COLUMNS = (
    "id",
    "kind",
    "status",
    "owner",
    "queue",
    "priority",
    "tags",
    "attempt",
    "created_at",
    "started_at",
    "finished_at",
    "error_code",
    "error_message",
    "params",
)
_WIDTHS = (38, 14, 12, 14, 9, 9, 20, 9, 28, 28, 28, 16, 50, 60)
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LONGEST_CELL = 32_000  # what a workbook takes

Listed = Callable[..., dict[str, Any]]


def harmless(value: Any) -> Any:
    """Text that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_RISKY):
        return f"'{value}"
    return value


def answer(kind: str, listed: Listed, text: str) -> Response:
    rows = _rows(listed, text)
    first = next(rows, None)  # a filter that is not understood is said now, not in the middle of a file
    pieces = _csv(first, rows) if kind == "csv" else _workbook(first, rows)
    name = f"jobs-{now():%Y%m%d-%H%M%S}.{kind}"
    return Response(
        stream_with_context(pieces),
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        content_type=_TYPES[kind],
    )


def _rows(listed: Listed, text: str) -> Iterator[list[Any]]:
    cursor: Any = None
    count = 0
    while count < _MOST:
        page = listed(text, cursor, _AT_ONCE)
        for job in page["data"]:
            yield _row(job)
        count += len(page["data"])
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _row(job: dict[str, Any]) -> list[Any]:
    error = job["error"] or {}
    params = dumps(job["params"]).decode() if job["params"] is not None else ""
    facts = {
        **job,
        "tags": ", ".join(job["tags"]),
        "error_code": error.get("code", ""),
        "error_message": error.get("message", ""),
        "params": params[:_LONGEST_CELL],
    }
    return [harmless(facts[name]) for name in _COLUMNS]


def _csv(first: list[Any] | None, rows: Iterator[list[Any]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    if first is not None:
        writer.writerow(first)
    yield b"\xef\xbb\xbf"  # so that Excel reads it as UTF-8
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > _PIECE:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _workbook(first: list[Any] | None, rows: Iterator[list[Any]]) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        _fill(file, first, rows)
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _fill(file: IO[bytes], first: list[Any] | None, rows: Iterator[list[Any]]) -> None:
    # One row is held at a time, and text is never read as a formula or an address.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet("Jobs")
        heading = book.add_format({"bold": True, "bottom": 1})
        for place, width in enumerate(_WIDTHS):
            sheet.set_column(place, place, width)
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, _COLUMNS, heading)
        if first is not None:
            sheet.write_row(1, 0, first)
        last = 1
        for last, row in enumerate(rows, start=2):
            sheet.write_row(last, 0, row)
        sheet.autofilter(0, 0, last, len(_COLUMNS) - 1)
