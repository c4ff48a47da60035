"""Records from files that have columns of their own: Parquet, and the workbooks of every program."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableFileError
from core.workbook.cells import CellKind, Cells, CellValue
from core.workbook.decimals import show
from core.workbook.header import find_sheets
from core.workbook.opening import open_source
from core.workbook.source import Source
from tasks.etl.arrow import Array, pa, pc, pq
from tasks.etl.copy_text import copy_rows
from tasks.etl.dialect import Header, header_of
from tasks.etl.fields import COLUMNS
from tasks.etl.records import Records, batch_of
from tasks.etl.settings import RunSettings

ROWS_AT_ONCE = 50_000
DELIMITER = ","
LAST_SERIAL = 2_958_465  # 9999-12-31, the last day a workbook knows
DATE_COLUMNS = ("created_at", "paid_at")
_FIRST_DAY = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}  # noqa: DTZ001 - days have no zone
_DAY = timedelta(days=1)


def _records(columns: dict[str, Array], bytes_read: int) -> Records:
    """NULs cannot be stored as text and are no part of any value: such a record is told apart by a text file only."""
    for name in COLUMNS:
        columns[name] = pc.replace_substring(columns[name], "\0", "\ufffd")
    batch = batch_of(columns)
    return Records(batch, copy_rows(batch.select(range(len(COLUMNS) + 1)), DELIMITER), b"", bytes_read)


class ParquetFile:
    """A Parquet file; lines are numbered as if the names stood in line 1."""

    delimiter = DELIMITER

    def __init__(self, path: Path, settings: RunSettings) -> None:
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFileError(f"the Parquet file cannot be read: {error}") from error
        self.header = header_of(self._file.schema_arrow.names, settings.mapping)
        self._bytes = path.stat().st_size

    def records(self) -> Iterator[Records]:
        names = self._file.schema_arrow.names
        chosen = [names[position] for position in self.header.positions]
        line, total = 2, max(self._file.metadata.num_rows, 1)
        try:
            for batch in self._file.iter_batches(ROWS_AT_ONCE, columns=chosen):
                columns: dict[str, Any] = {"line": pa.array(np.arange(line, line + batch.num_rows))}
                for name, own in zip(COLUMNS, chosen, strict=True):
                    columns[name] = _as_text(batch.column(own))
                line += batch.num_rows
                yield _records(columns, self._bytes * (line - 2) // total)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFileError(f"the Parquet file is damaged at row {line - 1}: {error}") from error


def _as_text(column: Array) -> Array:
    """Each value as one would write it: dates as ISO, decimals with all their digits, floats as short as exact."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        texts = [None if value is None else value.decode("utf-8", "replace") for value in column.to_pylist()]
        return pa.array(texts, pa.string())
    if pa.types.is_floating(column.type):
        return pa.array([None if value is None else repr(value) for value in column.to_pylist()], pa.string())
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise UnreadableFileError(f"a column of type {column.type} cannot be read as text") from error


class WorkbookFile:
    """The first or a named sheet of a workbook; lines are the sheet's own row numbers."""

    delimiter = DELIMITER

    def __init__(self, path: Path, name: str, settings: RunSettings) -> None:
        self._path = path
        self._name = name
        self._settings = settings
        with open_source(path, name=name) as source:
            sheet = find_sheets(source.sheets, settings.sheet)[0]
            head = source.head(sheet)
        row = min(head.rows, default=1)
        cells = head.rows.get(row, {})
        self._places = sorted(cells)
        self._header_row = row
        self.header: Header = header_of(
            [cells[place].value.shown() for place in self._places], settings.mapping, line=row
        )

    def records(self) -> Iterator[Records]:
        places = [self._places[position] for position in self.header.positions]
        with open_source(self._path, name=self._name) as source:
            sheet = find_sheets(source.sheets, self._settings.sheet)[0]
            columns = source.columns(sheet, dict.fromkeys(places, True), self._header_row + 1)
            lines = np.unique(np.concatenate([columns[place].rows for place in places]))
            for start in range(0, len(lines), ROWS_AT_ONCE):
                part = lines[start : start + ROWS_AT_ONCE]
                texts: dict[str, Any] = {"line": pa.array(part)}
                for name, place in zip(COLUMNS, places, strict=True):
                    texts[name] = _texts(source, columns[place], part, is_date=name in DATE_COLUMNS)
                yield _records(texts, self._path.stat().st_size * (start + len(part)) // len(lines))


def _texts(source: Source, cells: Cells, lines: NDArray[np.int64], *, is_date: bool) -> Array:
    """The cells of these rows as a person reads them, null where there is none."""
    first, last = np.searchsorted(cells.rows, (lines[0], lines[-1] + 1))
    found: list[str | None] = [None] * len(lines)
    for index, place in zip(range(first, last), np.searchsorted(lines, cells.rows[first:last]).tolist(), strict=True):
        kind = CellKind(cells.kinds[index])
        mantissa, exponent = int(cells.mantissas[index]), int(cells.exponents[index])
        if kind is CellKind.NUMBER:
            text = show(mantissa, exponent)
            found[place] = _date(text, is_1904=source.is_1904) if is_date else text
        elif kind is CellKind.BOOLEAN:
            found[place] = CellValue(kind, mantissa).shown()
        elif kind is not CellKind.NO_VALUE:
            found[place] = cells.texts[mantissa]
    return pa.array(found, pa.string())


def _date(text: str, *, is_1904: bool) -> str:
    """A workbook keeps dates as numbers of days; 20190516 is larger than any of those and stays a text."""
    days = float(text)
    if not 1 <= days <= LAST_SERIAL:
        return text
    moment = _FIRST_DAY[is_1904] + round(days * 86_400) * timedelta(seconds=1)
    return moment.date().isoformat() if days.is_integer() else moment.isoformat()
