"""Read columns of an ordinary sheet natively, from the packed file to arrays; Python sees only what is odd."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

from core.errors import UnreadableFileError
from core.light_types import TYPE_CHECKING
from core.workbook import addresses
from core.workbook.archive import DEFLATED, Archive, Part
from core.workbook.cells import Cells, CellsBuilder
from core.workbook.limits import Limits
from core.workbook.native_library import Column, NativeLibrary, Task
from core.workbook.ordinary import UnusualSheetError, split_head, understand

if TYPE_CHECKING:
    from typing import Any

EMPTY = 255
MORE, NOT_OURS = 1, -1
Tick = Callable[[int, int], None]


class NativeColumns:
    """The columns of one sheet in native memory, which lives as long as anything made of it.

    Cells may follow those of a sheet `before`, which then has none left.
    """

    def __init__(
        self,
        library: NativeLibrary,
        task: Task,
        letters: Sequence[str],
        limits: Limits,
        before: NativeColumns | None = None,
    ) -> None:
        self._library, self._limits = library, limits
        names = b"".join(each.encode().ljust(4, b"\0") for each in letters)
        self.sheet: int | None = library.open(task, names, before and before.sheet)
        if not self.sheet:
            raise MemoryError("the native reader cannot start")
        self._is_running = True
        self.texts: list[CellsBuilder] = before.texts if before else [CellsBuilder() for _ in letters]

    def __del__(self) -> None:
        if self.sheet:
            self.stop()
            self._library.free(self.sheet)

    def stop(self) -> None:
        if self._is_running:
            self._is_running = False
            self._library.stop(self.sheet)

    def read(self, packed_bytes: int, tick: Tick) -> None:
        """Everything; whoever watches is told every few milliseconds, and may raise."""
        left = ctypes.c_int64(packed_bytes)
        said = MORE
        while said == MORE:
            said = self._library.read(self.sheet, left)
            if said == NOT_OURS:
                raise UnusualSheetError
            for number, builder in enumerate(self.texts):
                self._understand_odd(self.column(number), builder)
            self._library.forget_odd(self.sheet)
            tick(packed_bytes - left.value, packed_bytes)

    def column(self, number: int) -> Column:
        found: Column = self._library.column(self.sheet, number).contents
        return found

    def _understand_odd(self, column: Column, builder: CellsBuilder) -> None:
        if not column.odd_count:
            return
        places = (ctypes.c_int64 * column.odd_count).from_address(column.odd_places)
        kinds = (ctypes.c_uint8 * column.count).from_address(column.kinds)
        mantissas = (ctypes.c_int64 * column.count).from_address(column.mantissas)
        exponents = (ctypes.c_int8 * column.count).from_address(column.exponents)
        values = understand(ctypes.string_at(column.odd, column.odd_bytes), column.odd_count)
        for place, value in zip(places, values, strict=True):
            kinds[place], mantissas[place], exponents[place] = (EMPTY, 0, 0) if value is None else builder.encode(value)
        if builder.text_bytes > self._limits.max_text_bytes:
            raise UnreadableFileError(f"the texts of a column are beyond {self._limits.max_text_bytes:,} bytes")

    def cells(self, number: int) -> Cells:
        """One column as arrays over the native memory."""
        import numpy as np  # noqa: PLC0415 - who needs no arrays does not wait for it

        column = self.column(number)

        def array(address: int | None, kind: type[ctypes._SimpleCData[int]]) -> Any:
            if not column.count:
                return np.empty(0, kind)
            memory: Any = (kind * column.count).from_address(address or 0)
            memory.owner = self
            return np.frombuffer(memory, kind)

        kinds = array(column.kinds, ctypes.c_uint8)
        rows = array(column.rows, ctypes.c_int32).astype(np.int64)
        mantissas = array(column.mantissas, ctypes.c_int64)
        exponents = array(column.exponents, ctypes.c_int8)
        texts = self.texts[number].texts
        keep = kinds != EMPTY
        if keep.all():
            return Cells(rows, kinds, mantissas, exponents, texts)
        return Cells(rows[keep], kinds[keep], mantissas[keep], exponents[keep], texts)


def read_columns(  # noqa: PLR0917 - what to read, and from where
    library: NativeLibrary,
    archive: Archive,
    part: Part,
    columns: Sequence[int],
    first_row: int,
    limits: Limits,
    tick: Tick,
    before: NativeColumns | None = None,
) -> NativeColumns | None:
    """The columns with everything checked, or None if another reader must say what the sheet is."""
    if part.method != DEFLATED:
        return None
    try:
        pieces = archive.stream(part)
        skip, _ = split_head(pieces)
        task = Task(
            archive.content_offset(part),
            part.packed_bytes,
            part.bytes,
            skip,
            first_row,
            limits.max_part_bytes,
            limits.max_ratio,
            limits.ratio_matters_after_bytes,
            part.crc,
            archive.fileno(),
            len(columns),
        )
        found = NativeColumns(library, task, [addresses.letters(each) for each in columns], limits, before)
        try:
            found.read(part.packed_bytes, tick)
        finally:
            found.stop()
    except UnusualSheetError:
        return None
    return found
