"""A Parquet file as a source: typed columns, exact decimals, row groups streamed."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.errors import UnreadableFileError
from core.workbook.cells import SMALLEST_EXPONENT, CellKind, Cells, CellsBuilder, CellValue, number_value
from core.workbook.decimals import INT64_LIMIT, show
from core.workbook.limits import DEFAULT, Limits
from core.workbook.source import HEAD_ROWS, ONLY_SHEET, Head, HeadCell, SheetInfo, Tick, no_tick
from core.workbook.vector_decimals import Places, from_floats

BATCH_ROWS = 1 << 18
HEADER_ROW = 1  # names stand in row 1, as they would in a sheet; data starts in row 2


class ParquetSource:
    """One table."""

    format = "parquet"
    is_1904 = False

    def __init__(self, path: Path, *, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        try:
            self._file = pq.ParquetFile(path, memory_map=True)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFileError(f"the Parquet file cannot be read: {error}") from error
        self.sheets = [SheetInfo(ONLY_SHEET, 0)]

    def close(self) -> None:
        self._file.close()

    def head(self, sheet: SheetInfo, rows: int = HEAD_ROWS) -> Head:  # noqa: ARG002 - there is one sheet
        schema = self._file.schema_arrow
        found = {
            HEADER_ROW: {at: HeadCell(CellValue(CellKind.TEXT, text=name)) for at, name in enumerate(schema.names)}
        }
        most = max(self._limits.max_head_cells // max(len(schema.names), 1), 1)
        batch = next(self._file.iter_batches(batch_size=min(rows, most)), None)
        if batch is None:
            return Head(found, has_header=True)
        for at in range(len(schema.names)):
            is_date = pa.types.is_date(schema.field(at).type) or pa.types.is_timestamp(schema.field(at).type)
            for number, value in enumerate(batch.column(at).to_pylist(), start=HEADER_ROW + 1):
                cell = _value(value)
                if cell is not None:
                    found.setdefault(number, {})[at] = HeadCell(cell, is_date)
        return Head(found, has_header=True)

    def columns(
        self,
        sheet: SheetInfo,  # noqa: ARG002 - there is one sheet
        wanted: Mapping[int, bool],
        first_row: int,
        tick: Tick = no_tick,
    ) -> dict[int, Cells]:
        names = self._file.schema_arrow.names
        builders = {column: CellsBuilder() for column in wanted}
        total = max(self._file.metadata.num_rows, 1)
        at = HEADER_ROW + 1
        try:
            for batch in self._file.iter_batches(BATCH_ROWS, columns=[names[column] for column in wanted]):
                tick(at, total)
                rows = np.arange(at, at + batch.num_rows, dtype=np.int64)
                for column, builder in builders.items():
                    _add(builder, rows, batch.column(names[column]))
                at += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFileError(f"the Parquet file is damaged: {error}") from error
        done = {column: builder.finish() for column, builder in builders.items()}
        return {column: _from(cells, first_row) for column, cells in done.items()}


def _from(cells: Cells, first_row: int) -> Cells:
    if not len(cells) or cells.rows[0] >= first_row:
        return cells
    keep = cells.rows >= first_row
    return Cells(cells.rows[keep], cells.kinds[keep], cells.mantissas[keep], cells.exponents[keep], cells.texts)


def _value(value: object) -> CellValue | None:
    match value:
        case None:
            return None
        case bool():
            return CellValue(CellKind.BOOLEAN, int(value))
        case Decimal():
            return _decimal_value(value)
        case int() | float():
            return number_value(repr(value)) or CellValue(CellKind.ERROR, text=repr(value))
        case datetime():
            return CellValue(CellKind.TEXT, text=value.date().isoformat())
        case _:
            return CellValue(CellKind.TEXT, text=str(value)) if str(value).strip() else None


def _add(builder: CellsBuilder, rows: Places, array: Any) -> None:  # pyarrow's types say less than they know
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.null_count:
        keep = pc.is_valid(array)
        rows = rows[np.asarray(keep)]
        array = array.filter(keep)
    kind = array.type
    if pa.types.is_floating(kind):
        _add_floats(builder, rows, array.cast(pa.float64()))
    elif pa.types.is_integer(kind) and kind != pa.uint64():
        _add_numbers(builder, rows, array.cast(pa.int64()).to_numpy(zero_copy_only=False), 0)
    elif pa.types.is_decimal(kind):
        _add_decimals(builder, rows, array)
    else:
        if pa.types.is_timestamp(kind):
            array = array.cast(pa.date32(), safe=False)
        for row, value in zip(rows.tolist(), array.to_pylist(), strict=True):
            cell = _value(value)
            if cell is not None:
                builder.add(row, cell)


def _add_numbers(builder: CellsBuilder, rows: Places, mantissas: Places, exponent: int) -> None:
    kinds = np.full(len(rows), CellKind.NUMBER, np.uint8)
    builder.add_block(rows, kinds, mantissas, np.full(len(rows), exponent, np.int8))


def _add_decimals(builder: CellsBuilder, rows: Places, array: Any) -> None:
    """Stored decimals are exact: no digit is folded."""
    scale = array.type.scale
    if 0 <= scale <= -SMALLEST_EXPONENT and pa.types.is_decimal128(array.type) and not array.offset:
        halves = np.frombuffer(array.buffers()[1], np.int64).reshape(-1, 2)[: len(array)]
        if bool(np.all(halves[:, 1] == halves[:, 0] >> 63)):
            _add_numbers(builder, rows, halves[:, 0].copy(), -scale)
            return
    for row, value in zip(rows.tolist(), array.to_pylist(), strict=True):
        builder.add(row, _decimal_value(value))


def _decimal_value(value: Decimal) -> CellValue:
    sign, digits, exponent = value.as_tuple()
    mantissa = int("".join(map(str, digits))) * (-1 if sign else 1)
    power = int(exponent)
    if power > 0:
        mantissa, power = mantissa * 10**power, 0
    if abs(mantissa) < INT64_LIMIT and power >= SMALLEST_EXPONENT:
        return CellValue(CellKind.NUMBER, mantissa, power)
    return CellValue(CellKind.BIG, text=show(mantissa, power))


def _add_floats(builder: CellsBuilder, rows: Places, array: Any) -> None:
    values = array.to_numpy(zero_copy_only=False)
    numbers = from_floats(values)
    kinds = np.full(len(rows), CellKind.NUMBER, np.uint8)
    mantissas, exponents = numbers.mantissas, numbers.exponents
    for place in np.flatnonzero(~numbers.good).tolist():
        value = number_value(repr(float(values[place]))) or CellValue(CellKind.ERROR, text=str(values[place]))
        kinds[place], mantissas[place], exponents[place] = builder.encode(value)
    builder.add_block(rows, kinds, mantissas, exponents)
