"""Walk through the rows of a file by the columns that make an order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from core.errors import InvalidInputError
from core.workbook.cells import HAS_TEXT, CellKind, Cells, CellValue
from core.workbook.header import Header, find_sheets, holding
from core.workbook.opening import open_source
from tasks.orders_import.contract import OrderColumns
from tasks.orders_import.rows import NAMES

Row = tuple[int, dict[str, CellValue]]


def read_rows(
    path: Path, *, name: str, sheet: str | int | None, columns: OrderColumns, tick: Callable[[int, int], None]
) -> tuple[bool, Iterator[Row]]:
    """Whether the file counts days from 1904, and each row that holds anything in those columns."""
    with open_source(path, name=name) as source:
        chosen = find_sheets(source.sheets, sheet)
        if len(chosen) != 1:
            raise InvalidInputError("name one sheet")
        header = holding(source.head(chosen[0]), columns.customer_id)
        places = _places(header, columns)
        found = source.columns(chosen[0], dict.fromkeys(places.values(), True), header.first_data_row, tick)
        return source.is_1904, _side_by_side({name: found[place] for name, place in places.items()})


def _places(header: Header, columns: OrderColumns) -> dict[str, int]:
    """Which column is which; without being named, `id` is taken only where there is one."""
    wanted = {name: getattr(columns, name) for name in NAMES}
    if wanted["id"] is None:
        there = any(column.name.strip().casefold() == "id" for column in header.columns)
        wanted["id"] = "id" if there else None
    return {name: header.find(column).index for name, column in wanted.items() if column is not None}


def _side_by_side(columns: dict[str, Cells]) -> Iterator[Row]:
    """Columns come each by itself with empty cells left out; their row numbers bring them together again."""
    readers = {name: _Reader(cells) for name, cells in columns.items()}
    while (row := min(reader.row for reader in readers.values())) < _END:
        yield row, {name: reader.take() for name, reader in readers.items() if reader.row == row}


_END = 1 << 62


class _Reader:
    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._rows: Sequence[int] = cells.rows.tolist()
        self._at = 0

    @property
    def row(self) -> int:
        return self._rows[self._at] if self._at < len(self._rows) else _END

    def take(self) -> CellValue:
        cells, at = self._cells, self._at
        self._at += 1
        kind = CellKind(int(cells.kinds[at]))
        mantissa = int(cells.mantissas[at])
        if kind in HAS_TEXT:
            return CellValue(kind, text=cells.texts[mantissa])
        return CellValue(kind, mantissa, int(cells.exponents[at]))
