"""The native part, if it was built: loaded through ctypes.

It reads ordinary sheets and sifts amounts. Whatever it does not do, the pure ways do with the same answers.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
import zlib
from functools import cache

from core.light_types import TYPE_CHECKING
from core.workbook.archive import StrPath, open_bytes

if TYPE_CHECKING:
    from typing import Any

FOLDER = f"{os.path.dirname(__file__)}/native"  # noqa: PTH120 - see archive.open_bytes
SOURCE = f"{FOLDER}/sheet.c"
SOURCES = [SOURCE, *(f"{FOLDER}/{name}.h" for name in ("inflate", "column", "crc", "partitions", "pairs"))]
ENDING = {"win32": "dll", "darwin": "dylib"}.get(sys.platform, "so")
SWITCH = "RECKONER_NATIVE"  # `off` makes the pure readers read, for comparisons


class Task(ctypes.Structure):
    """What to read, as `sheet.c` lays it out."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("offset", "packed", "bytes", "skip", "first_row")),
        *((name, ctypes.c_int64) for name in ("max_bytes", "max_ratio", "ratio_from")),
        ("crc", ctypes.c_uint32),
        ("fd", ctypes.c_int32),
        ("columns", ctypes.c_int32),
    )


class Column(ctypes.Structure):
    """One column so far, as `column.h` lays it out."""

    _fields_ = (
        ("name", ctypes.c_char * 4),
        ("letters", ctypes.c_int),
        *((name, ctypes.c_int64) for name in ("count", "room", "odd_count", "odd_bytes", "odd_room", "places_room")),
        *((name, ctypes.c_void_p) for name in ("rows", "mantissas", "odd_places", "kinds", "odd", "exponents")),
    )


class NativeLibrary:
    """One loaded library, its functions typed."""

    def __init__(self, path: StrPath) -> None:
        library = ctypes.CDLL(os.fspath(path))
        pointer, whole, small = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32
        self.open = _function(library, "open", pointer, ctypes.POINTER(Task), ctypes.c_char_p, pointer)
        self.read = _function(library, "read", small, pointer, ctypes.POINTER(whole))
        self.column = _function(library, "column", ctypes.POINTER(Column), pointer, small)
        self.forget_odd = _function(library, "forget_odd", None, pointer)
        self.stop = _function(library, "stop", None, pointer)
        self.free = _function(library, "free", None, pointer)
        self.decimals = _function(library, "decimals", small, pointer, pointer, pointer, whole)
        self.scale = _function(library, "scale", small, pointer, pointer, whole, small, pointer)
        self.sift = _function(
            library, "sift", small, pointer, whole, pointer, pointer, whole, pointer, whole, ctypes.POINTER(whole)
        )
        self.places = _function(library, "places", None, pointer, whole, pointer)
        self.first = _function(library, "first", small, pointer, pointer, whole, whole, ctypes.POINTER(whole))


def _function(library: ctypes.CDLL, name: str, gives: Any, *takes: Any) -> Any:  # as ctypes types them
    found = library[f"reckoner_{name}"]
    found.restype, found.argtypes = gives, list(takes)
    return found


def _library_path() -> str:
    """Named after the sources it was built from, so that a stale one is never loaded."""
    mark = 0
    for source in SOURCES:
        with open_bytes(source) as opened:
            mark = zlib.crc32(opened.read(), mark)
    return f"{FOLDER}/sheet-{mark:08x}-{sysconfig.get_platform()}.{ENDING}"


LIBRARY = _library_path()


@cache
def native_library() -> NativeLibrary | None:
    """The library, or None where there is none; asked once a process. It was tried when it was built."""
    if os.environ.get(SWITCH) == "off":
        return None
    try:
        return NativeLibrary(LIBRARY)
    except (OSError, AttributeError):
        return None
