"""Open a file of tables by what it holds, not by what it is called."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from core.errors import UnreadableFileError, UnsupportedTypeError
from core.light_types import TYPE_CHECKING
from core.workbook import gzipped
from core.workbook.archive import Archive, StrPath, open_bytes
from core.workbook.cells import Cells
from core.workbook.limits import DEFAULT, Limits
from core.workbook.source import HEAD_ROWS, Head, SheetInfo, Source, Tick, no_tick
from core.workbook.text_or_not import is_binary

if TYPE_CHECKING:
    from pathlib import Path

READER_VERSION = "3"  # part of the column cache's key: raise it whenever a cell or name may be read differently
SUFFIXES = frozenset({".xlsx", ".xlsm", ".csv", ".tsv", ".txt", ".parquet", ".xls", ".xlsb", ".ods", ".gz"})
ZIP, OLE, PARQUET = b"PK\3\4", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1"
EMPTY_ZIP = b"PK\5\6"
MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<table", b"<head")
PIECE = 1 << 20


@contextmanager
def open_source(
    path: StrPath, *, name: str | None = None, limits: Limits = DEFAULT, quick: bool = True
) -> Iterator[Source]:
    """The file's tables; `name` is what people call it, where the path says nothing."""
    source = open_now(path, name=name, limits=limits, quick=quick)
    try:
        yield source
    finally:
        source.close()


def open_now(
    path: StrPath,
    *,
    name: str | None = None,
    limits: Limits = DEFAULT,
    quick: bool = True,
    keep_thousands: bool = False,
) -> Source:
    """The same for callers that close it themselves. What is gzipped is unpacked first: readers jump about in it.

    `keep_thousands` is for those who read 1.500 as a text might mean it: see `core.workbook.text_cells.add_texts`.
    """
    name = name or os.path.basename(path)  # noqa: PTH119 - see archive.open_bytes
    if not gzipped.is_gzip(path):
        return _open(path, detect(path, name, limits), limits, quick=quick, keep_thousands=keep_thousands)
    inner = name.removesuffix(".gz")
    unpacked = gzipped.Unpacked(path, limits)
    try:
        file_format = detect(unpacked.path, inner, limits)
        return _UnpackedSource(
            _open(unpacked.path, file_format, limits, quick=quick, keep_thousands=keep_thousands), unpacked
        )
    except BaseException:
        unpacked.close()
        raise


class _UnpackedSource:
    """The tables of an unpacked copy, which goes when they are closed."""

    def __init__(self, source: Source, copy: gzipped.Unpacked) -> None:
        self._source, self._copy = source, copy
        self.format, self.is_1904, self.sheets = source.format, source.is_1904, source.sheets

    def head(self, sheet: SheetInfo, rows: int = HEAD_ROWS) -> Head:
        return self._source.head(sheet, rows)

    def columns(
        self, sheet: SheetInfo, wanted: Mapping[int, bool], first_row: int, tick: Tick = no_tick
    ) -> dict[int, Cells]:
        return self._source.columns(sheet, wanted, first_row, tick)

    def close(self) -> None:
        self._source.close()
        self._copy.close()


def _open(path: StrPath, file_format: str, limits: Limits, *, quick: bool, keep_thousands: bool) -> Source:
    """Each reader is loaded when its format is met: a workbook needs no Arrow."""
    match file_format:
        case "xlsx":
            from core.workbook.xlsx import XlsxSource  # noqa: PLC0415 - see above

            return XlsxSource(path, limits=limits, quick=quick)
        case "csv":
            from core.workbook.delimited import DelimitedSource  # noqa: PLC0415

            return DelimitedSource(_path(path), limits=limits, keep_thousands=keep_thousands)
        case "parquet":
            from core.workbook.parquet import ParquetSource  # noqa: PLC0415

            return ParquetSource(_path(path), limits=limits)
        case _:
            from core.workbook.legacy import LegacySource  # noqa: PLC0415

            return LegacySource(_path(path), file_format)


def _path(path: StrPath) -> Path:
    from pathlib import Path  # noqa: PLC0415 - see archive.open_bytes

    return Path(path)


def detect(path: StrPath, name: str, limits: Limits = DEFAULT) -> str:
    """`xlsx`, `csv`, `parquet`, `xls`, `xlsb` or `ods`, by content; what is none of them is said in words."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - see archive.open_bytes
    with open_bytes(path) as opened:
        start = opened.read(512)
    if not start:
        raise UnreadableFileError("the file is empty")
    if start.startswith((ZIP, EMPTY_ZIP)):
        return _detect_zip(path, limits)
    if start.startswith(OLE):
        return _detect_ole(path)
    if start.startswith(PARQUET):
        return "parquet"
    looks = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if looks.startswith(MARKUP):
        raise UnsupportedTypeError(f"{name} is a web page or other markup, not a workbook: save it as .xlsx or .csv")
    if suffix in {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".parquet"}:
        raise UnreadableFileError(f"{name} is not a {suffix} file: its first bytes say otherwise, or it is cut off")
    if is_binary(start) and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnsupportedTypeError(f"{name} is binary data of no kind that is read here: {', '.join(sorted(SUFFIXES))}")
    return "csv"


def _detect_zip(path: StrPath, limits: Limits) -> str:
    archive = Archive(path, limits)
    try:
        if archive.find("xl/workbook.bin"):
            return "xlsb"
        mimetype = archive.find("mimetype")
        if mimetype and archive.read(mimetype).startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
            _refuse_bombs(archive, limits)
            return "ods"
        return "xlsx"
    finally:
        archive.close()


def _refuse_bombs(archive: Archive, limits: Limits) -> None:
    """The library that reads this format inflates without asking; so its parts are measured first."""
    for part in archive.parts.values():
        if part.bytes > limits.ratio_matters_after_bytes:
            for _ in archive.stream(part):
                pass


def _detect_ole(path: StrPath) -> str:
    """An old workbook, or the envelope of an encrypted new one."""
    wanted = "EncryptedPackage".encode("utf-16-le")
    with open_bytes(path) as opened:
        last = b""
        while piece := opened.read(PIECE):
            if wanted in last + piece:
                raise UnreadableFileError("the workbook is encrypted: save it without a password and send it again")
            last = piece[-len(wanted) :]
    return "xls"
