"""The native twin of the vector reader, if it was built: loaded through ctypes, checked before it is trusted."""

import ctypes
import hashlib
import os
import platform
import sys
from functools import cache
from pathlib import Path

import numpy as np

from core.workbook.cells import CellKind, Cells

SOURCE = Path(__file__).parent / "native" / "sheet.c"
ENDING = {"win32": "dll", "darwin": "dylib"}.get(sys.platform, "so")
SHORTEST_CELL = len('<c r="A1"/>')
UNUSUAL = -1
SWITCH = "RECKONER_NATIVE"  # `off` makes the pure reader read, for comparisons
PROBE = b'<c r="B7" s="1"><v>-12.50</v></c><c r="C7"><v>1</v></c>' + b"<" * 64


def _library_path() -> Path:
    """Named after the source it was built from, so that a stale one is never loaded."""
    mark = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12] if SOURCE.exists() else "none"
    return SOURCE.parent / f"sheet-{mark}-{platform.machine().lower()}.{ENDING}"


LIBRARY = _library_path()


class NativeSheet:
    """One loaded library."""

    def __init__(self, path: Path) -> None:
        self._read = ctypes.CDLL(str(path)).reckoner_read_column
        self._read.restype = ctypes.c_int64
        pointer = ctypes.c_void_p
        self._read.argtypes = [
            ctypes.c_char_p,
            ctypes.c_int64,
            ctypes.c_char_p,
            ctypes.c_int32,
            ctypes.c_int64,
            ctypes.c_int64,
            *[pointer] * 5,
        ]

    def read(self, buffer: bytes, end: int, letters: bytes, first_row: int) -> tuple[Cells, "np.ndarray"] | None:
        """The column's cells before `end` with the places of their letters; None if the piece is not ordinary.

        Kind TEXT marks what the general parser must read.
        """
        capacity = end // SHORTEST_CELL + 1
        rows, mantissas, places = (np.empty(capacity, np.int64) for _ in range(3))
        kinds, exponents = np.empty(capacity, np.uint8), np.empty(capacity, np.int8)
        arrays = [each.ctypes.data for each in (rows, kinds, mantissas, exponents, places)]
        count = self._read(buffer, end, letters, len(letters), first_row, capacity, *arrays)
        if count < 0:
            return None
        cells = Cells(rows[:count], kinds[:count], mantissas[:count], exponents[:count], ())
        return cells, places[:count]


def is_usable(path: Path) -> bool:
    """Whether it loads here and reads a cell right."""
    try:
        found = NativeSheet(path).read(PROBE, len(PROBE) - 64, b"B", 1)
    except (OSError, AttributeError):
        return False
    if found is None or len(found[0]) != 1:
        return False
    cells = found[0]
    seen = (int(cells.rows[0]), int(cells.kinds[0]), int(cells.mantissas[0]), int(cells.exponents[0]))
    return seen == (7, CellKind.NUMBER, -1250, -2)


@cache
def native_sheet() -> NativeSheet | None:
    """The library, or None where there is none; asked once a process."""
    if os.environ.get(SWITCH) == "off" or not LIBRARY.exists() or not is_usable(LIBRARY):
        return None
    return NativeSheet(LIBRARY)
