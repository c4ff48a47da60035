"""Keep parsed columns by content and reader version, so that the second question on a file reads no workbook.

One folder a content; each column is an Arrow file that is mapped, not read. Losing the folder costs time only.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa

from core.workbook.cells import CellKind, Cells, CellValue
from core.workbook.opening import READER_VERSION
from core.workbook.source import HEAD_ROWS, Head, HeadCell, SheetInfo, Source, Tick, no_tick

MOST_BYTES = 8 << 30
FIELDS = ("rows", "kinds", "mantissas", "exponents")
Opener = Callable[[], Source]


class ColumnCache:
    """The folder of parsed columns on this machine."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._most_bytes = folder, most_bytes

    def source(self, sha256: str, opener: Opener) -> "CachedSource":
        """The content as a source; `opener` is called only for what is not here yet."""
        return CachedSource(self._folder / f"{sha256}-{READER_VERSION}", opener)

    def prune(self) -> None:
        """Forget the contents that were not asked about for longest, until the rest fits."""
        if not self._folder.exists():
            return
        known = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0
        for path in known:
            total += sum(each.stat().st_size for each in path.iterdir())
            if total > self._most_bytes:
                shutil.rmtree(path, ignore_errors=True)


class CachedSource:
    """A source that reads from the cache first and leaves there what it had to read."""

    def __init__(self, folder: Path, opener: Opener) -> None:
        self._folder, self._opener = folder, opener
        self._opened: Source | None = None
        self._stack = ExitStack()
        self.was_read = False  # whether the file itself had to be opened
        facts = self._remembered("book") or self._describe()
        self.format, self.is_1904 = str(facts["format"]), bool(facts["is_1904"])
        self.sheets: Sequence[SheetInfo] = [SheetInfo(**sheet) for sheet in facts["sheets"]]
        with suppress(OSError):
            os.utime(self._folder)

    def close(self) -> None:
        self._stack.close()

    def _source(self) -> Source:
        if self._opened is None:
            self.was_read = True
            self._opened = self._opener()
            self._stack.callback(self._opened.close)
        return self._opened

    def _describe(self) -> dict[str, Any]:
        source = self._source()
        facts = {
            "format": source.format,
            "is_1904": source.is_1904,
            "sheets": [sheet._asdict() for sheet in source.sheets],
        }
        self._remember("book", facts)
        return facts

    def head(self, sheet: SheetInfo, rows: int = HEAD_ROWS) -> Head:
        name = f"head-{sheet.index}-{rows}"
        try:
            return _head_at(self._folder / f"{name}.json")
        except FileNotFoundError:
            head = self._source().head(sheet, rows)
            self._remember(name, _described(head))
            return head

    def columns(
        self, sheet: SheetInfo, wanted: Mapping[int, bool], first_row: int, tick: Tick = no_tick
    ) -> dict[int, Cells]:
        found: dict[int, Cells] = {}
        for column, texts in wanted.items():
            for kept_texts in (True, False) if not texts else (True,):
                cells = self._kept(_column_name(sheet, column, texts=kept_texts))
                if cells is not None:
                    found[column] = cells
                    break
        missing = {column: texts for column, texts in wanted.items() if column not in found}
        if missing:
            # Kept from the first row on: the next question may find its header elsewhere.
            for column, cells in self._source().columns(sheet, missing, 1, tick).items():
                self._keep(_column_name(sheet, column, texts=missing[column]), cells)
                found[column] = cells
        return {column: _from_row(cells, first_row) for column, cells in found.items()}

    def rows_known(self, sheet: SheetInfo, wanted: Mapping[int, bool]) -> int | None:
        """How many cells the first wanted column has, if all of them are kept."""
        kept = [
            self._kept(_column_name(sheet, column, texts=True))
            or (None if texts else self._kept(_column_name(sheet, column, texts=False)))
            for column, texts in wanted.items()
        ]
        counts = [len(cells) for cells in kept if cells is not None]
        return counts[0] if counts and len(counts) == len(kept) else None

    def _remembered(self, name: str) -> dict[str, Any] | None:
        try:
            kept: dict[str, Any] = json.loads((self._folder / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return None
        return kept

    def _remember(self, name: str, facts: object) -> None:
        def write(path: Path) -> None:
            path.write_text(json.dumps(facts))

        self._write(f"{name}.json", write)

    def _kept(self, name: str) -> Cells | None:
        path = self._folder / name
        try:
            with pa.memory_map(str(path)) as mapped:
                table = pa.ipc.open_file(mapped).get_batch(0)
            with pa.memory_map(str(path.with_suffix(".texts"))) as mapped:
                texts: list[Any] = pa.ipc.open_file(mapped).get_batch(0).column(0).to_pylist()
        except FileNotFoundError:
            return None
        rows, kinds, mantissas, exponents = (np.asarray(table.column(at)) for at in range(len(FIELDS)))
        return Cells(rows, kinds, mantissas, exponents, texts)

    def _keep(self, name: str, cells: Cells) -> None:
        texts = pa.RecordBatch.from_arrays([pa.array(cells.texts, pa.large_string())], ["texts"])
        arrays = [pa.array(each) for each in (cells.rows, cells.kinds, cells.mantissas, cells.exponents)]
        self._write(Path(name).with_suffix(".texts").name, lambda path: _write_batch(path, texts))
        columns = pa.RecordBatch.from_arrays(arrays, list(FIELDS))
        self._write(name, lambda path: _write_batch(path, columns))

    def _write(self, name: str, write: Callable[[Path], None]) -> None:
        """A reader sees the whole file or none; a full disk costs the cache, not the answer."""
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f"{name}.{uuid4().hex}"
        try:
            write(unfinished)
            unfinished.replace(self._folder / name)
        except OSError:
            unfinished.unlink(missing_ok=True)


def _column_name(sheet: SheetInfo, column: int, *, texts: bool) -> str:
    return f"{sheet.index}-{column}-{'texts' if texts else 'plain'}.arrow"


def _write_batch(path: Path, batch: pa.RecordBatch) -> None:
    with pa.OSFile(str(path), "wb") as out, pa.ipc.new_file(out, batch.schema) as writer:
        writer.write_batch(batch)


def _from_row(cells: Cells, first_row: int) -> Cells:
    if first_row <= 1 or not len(cells):
        return cells
    keep = cells.rows >= first_row
    start = int(keep.argmax())
    if bool(keep[start:].all()):  # a view costs nothing
        return Cells(
            cells.rows[start:], cells.kinds[start:], cells.mantissas[start:], cells.exponents[start:], cells.texts
        )
    return Cells(cells.rows[keep], cells.kinds[keep], cells.mantissas[keep], cells.exponents[keep], cells.texts)


def _described(head: Head) -> dict[str, Any]:
    return {
        "has_header": head.has_header,
        "rows": [
            [number, [[at, *cell.value, cell.is_date] for at, cell in row.items()]] for number, row in head.rows.items()
        ],
    }


@lru_cache(maxsize=32)  # a path names the content, so what it was read as stays true
def _head_at(path: Path) -> Head:
    return _understood(json.loads(path.read_bytes()))


def _understood(facts: dict[str, Any]) -> Head:
    return Head(
        {
            number: {at: HeadCell(CellValue(CellKind(kind), *value), date) for at, kind, *value, date in row}
            for number, row in facts["rows"]
        },
        bool(facts["has_header"]),
    )
