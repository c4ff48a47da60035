""".xls, .xlsb and .ods as a source: a library reads them, in a child process with limits, into an Arrow file.

The library believes declared sizes and can end its process on hostile input; so it never runs in ours.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.errors import UnreadableFileError
from core.workbook.cells import CellKind, Cells, CellsBuilder, CellValue, number_value
from core.workbook.limits import DEFAULT
from core.workbook.source import HEAD_ROWS, Head, HeadCell, SheetInfo, Tick, no_tick

CHILD = Path(__file__).with_name("legacy_child.py")  # it imports nothing of ours
SECONDS = 120
SAID_MOST = 300


class LegacySource:
    """Sheets of an older or rarer format, converted once when opened."""

    is_1904 = False  # the child gives dates as dates

    def __init__(self, path: Path, file_format: str) -> None:
        self.format = file_format
        self._folder = tempfile.TemporaryDirectory(prefix="reckoner-")
        target = Path(self._folder.name) / "cells.arrow"
        try:
            self._convert(path, target)
            with pa.memory_map(str(target)) as mapped:
                self._table = pa.ipc.open_file(mapped).read_all()
        except BaseException:
            self.close()
            raise
        names = [name.decode() for key, name in sorted(self._table.schema.metadata.items()) if key.startswith(b"sheet")]
        self.sheets = [SheetInfo(name, at) for at, name in enumerate(names)]

    def _convert(self, path: Path, target: Path) -> None:
        command = [sys.executable, str(CHILD), str(path), str(target)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - ours
        except subprocess.TimeoutExpired as error:
            raise UnreadableFileError(f"the {self.format} file was not read within {SECONDS} s: refused") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it needs too much memory"]
            raise UnreadableFileError(f"the {self.format} file cannot be read: {said[0][:SAID_MOST]}")

    def close(self) -> None:
        self._folder.cleanup()

    def head(self, sheet: SheetInfo, rows: int = HEAD_ROWS) -> Head:
        found: dict[int, dict[int, HeadCell]] = {}
        for row, column, kind, number, text in self._cells(sheet, None, DEFAULT.max_head_cells):
            if row not in found and len(found) >= rows:
                break
            value = _value(kind, number, text)
            if value is not None:
                found.setdefault(row, {})[column] = HeadCell(value, kind == "date")
        return Head(found)

    def columns(
        self, sheet: SheetInfo, wanted: Mapping[int, bool], first_row: int, tick: Tick = no_tick
    ) -> dict[int, Cells]:
        builders = {column: CellsBuilder() for column in wanted}
        tick(0, 1)
        for row, column, kind, number, text in self._cells(sheet, list(wanted)):
            value = _value(kind, number, text) if row >= first_row else None
            if value is not None:
                builders[column].add(row, value)
        return {column: builder.finish() for column, builder in builders.items()}

    def _cells(
        self, sheet: SheetInfo, columns: list[int] | None, most: int | None = None
    ) -> "zip[tuple[int, int, str, float, str]]":
        table = self._table
        keep = np.asarray(table["sheet"]) == sheet.index
        if columns is not None:
            keep &= np.isin(np.asarray(table["column"]), columns)
        chosen = table.filter(pa.array(keep)).slice(0, most)
        return zip(*(chosen[name].to_pylist() for name in ("row", "column", "kind", "number", "text")), strict=True)


def _value(kind: str, number: float, text: str) -> CellValue | None:
    match kind:
        case "number":
            return number_value(repr(number)) or CellValue(CellKind.ERROR, text=repr(number))
        case "boolean":
            return CellValue(CellKind.BOOLEAN, int(number))
        case _:
            return CellValue(CellKind.TEXT, text=text) if text.strip() else None
