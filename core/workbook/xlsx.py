"""An .xlsx or .xlsm file as a source: the quick reader first, the general one for what is not ordinary."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing, suppress

from core.errors import UnreadableFileError
from core.workbook import native_sheet, shared_strings
from core.workbook.archive import Archive, StrPath
from core.workbook.cells import CellKind, Cells, CellsBuilder, CellValue
from core.workbook.limits import DEFAULT, Limits
from core.workbook.native_library import native_library
from core.workbook.ordinary import UnusualSheetError
from core.workbook.package import Package
from core.workbook.sheet_events import RawCell, SheetEvents, feed, value_of
from core.workbook.source import HEAD_ROWS, Head, HeadCell, SheetInfo, Tick, no_tick

PIECE = 256 << 10  # packed: in smaller ones the vectors are too short, in larger ones they leave the caches


class _EnoughRowsError(Exception):
    """Ends the parsing of a head; never leaves this module."""


class XlsxSource:
    """Sheets of a workbook in the Office Open XML format."""

    format = "xlsx"

    def __init__(self, path: StrPath, *, limits: Limits = DEFAULT, quick: bool = True) -> None:
        self._limits, self._quick = limits, quick
        self._archive = Archive(path, limits)
        try:
            self._package = Package(self._archive)
        except BaseException:
            self._archive.close()
            raise
        self.is_1904 = self._package.is_1904
        self.sheets = [SheetInfo(sheet.name, at, sheet.hidden) for at, sheet in enumerate(self._package.sheets)]

    def close(self) -> None:
        self._archive.close()

    def head(self, sheet: SheetInfo, rows: int = HEAD_ROWS) -> Head:
        raw: dict[int, dict[int, tuple[RawCell, CellValue]]] = {}

        def on_cell(cell: RawCell) -> None:
            value = value_of(cell)
            if value is None:
                return
            if cell.row not in raw and len(raw) >= rows:
                raise _EnoughRowsError
            raw.setdefault(cell.row, {})[cell.column] = (cell, value)

        part = self._package.sheets[sheet.index].part
        events = SheetEvents(on_cell, self._limits)

        def pieces() -> Generator[bytes]:
            """Not to the end of a sheet whose rows are formatted but empty, or all have one number."""
            for piece in self._archive.stream(part):
                yield piece
                if events.seen > 2 * self._limits.max_head_cells:  # each has a start and an end
                    raise _EnoughRowsError

        with suppress(_EnoughRowsError):
            feed(events, pieces(), part.name, self._limits)
        cells = (value for row in raw.values() for _, value in row.values())
        places = sorted({value.mantissa for value in cells if value.kind is CellKind.SHARED})
        found = shared_strings.look_up(self._archive, self._package.shared_strings, places, self._limits)
        texts = dict(zip(places, found, strict=True))
        dates = self._package.date_styles
        return Head(
            {
                number: {column: _head_cell(*cell, texts, dates) for column, cell in row.items()}
                for number, row in raw.items()
            }
        )

    def columns(
        self, sheet: SheetInfo, wanted: Mapping[int, bool], first_row: int, tick: Tick = no_tick
    ) -> dict[int, Cells]:
        order = list(wanted)
        cells = self._read(sheet, order, first_row, tick)
        return {
            column: self._with_texts(found) if wanted[column] else found
            for column, found in zip(order, cells, strict=True)
        }

    def native_columns(
        self,
        sheet: SheetInfo,
        columns: list[int],
        first_row: int,
        tick: Tick = no_tick,
        before: native_sheet.NativeColumns | None = None,
    ) -> native_sheet.NativeColumns | None:
        """The columns as the native part has them, None if there is none or the sheet is not for it."""
        library = native_library() if self._quick else None
        if library is None:
            return None
        part = self._package.sheets[sheet.index].part
        return native_sheet.read_columns(library, self._archive, part, columns, first_row, self._limits, tick, before)

    def _read(self, sheet: SheetInfo, order: list[int], first_row: int, tick: Tick) -> list[Cells]:
        found = self.native_columns(sheet, order, first_row, tick)
        if found is not None:
            return [found.cells(number) for number in range(len(order))]
        if self._quick:
            from core.workbook import fast_sheet  # noqa: PLC0415 - its vectors take longest of all to load

            with suppress(UnusualSheetError), closing(self._pieces(sheet, tick)) as pieces:
                return fast_sheet.read_columns(pieces, order, first_row, self._limits)
        builders = {column: CellsBuilder() for column in order}

        def on_cell(cell: RawCell) -> None:
            builder = builders.get(cell.column)
            if builder is None or cell.row < first_row:
                return
            value = value_of(cell)
            if value is not None:
                builder.add(cell.row, value)
                if builder.text_bytes > self._limits.max_text_bytes:
                    raise UnreadableFileError(f"a column's texts are beyond {self._limits.max_text_bytes:,} bytes")

        name = self._package.sheets[sheet.index].part.name
        feed(SheetEvents(on_cell, self._limits), self._pieces(sheet, tick), name, self._limits)
        return [builders[column].finish() for column in order]

    def _pieces(self, sheet: SheetInfo, tick: Tick) -> Generator[bytes]:
        from core.workbook.ahead import one_ahead  # noqa: PLC0415 - the native part has a thread of its own

        part = self._package.sheets[sheet.index].part
        for piece, done in one_ahead(self._archive.stream_with_progress(part, PIECE)):
            tick(done, part.packed_bytes)
            yield piece

    def _with_texts(self, cells: Cells) -> Cells:
        """Shared texts put in place; the distinct ones are looked up once."""
        import numpy as np  # noqa: PLC0415 - see native_sheet

        shared = np.flatnonzero(cells.kinds == CellKind.SHARED)
        if not shared.size:
            return cells
        places, which = np.unique(cells.mantissas[shared], return_inverse=True)
        # A view gives plain integers one by one: a list of a million would cost more than the texts.
        texts = shared_strings.look_up(self._archive, self._package.shared_strings, places.data, self._limits)
        kinds, mantissas = cells.kinds.copy(), cells.mantissas.copy()
        kinds[shared] = CellKind.TEXT
        mantissas[shared] = which + len(cells.texts)
        return Cells(cells.rows, kinds, mantissas, cells.exponents, [*cells.texts, *texts] if cells.texts else texts)


def _head_cell(cell: RawCell, value: CellValue, texts: dict[int, str], dates: frozenset[int]) -> HeadCell:
    if value.kind is CellKind.SHARED:
        value = CellValue(CellKind.TEXT, text=texts[value.mantissa])
    is_date = cell.type == "d" or (value.kind is CellKind.NUMBER and cell.style in dates)
    return HeadCell(value, is_date)
