"""Open a transaction file by what it holds: text in any usual form, gzipped or not, Parquet, or a workbook."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from core.errors import InvalidInputError, UnreadableFileError
from core.workbook import gzipped
from tasks.etl.dialect import Header
from tasks.etl.records import Records, TextFile
from tasks.etl.settings import RunSettings
from tasks.etl.tables import ParquetFile, WorkbookFile

START_BYTES = 8
PARQUET = b"PAR1"
WORKBOOKS = (b"PK\3\4", b"PK\5\6", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


class TransactionFile(Protocol):
    """An open file: its header was understood, its records come in batches."""

    header: Header
    delimiter: str  # what COPY is to expect between the fields

    def records(self) -> Iterator[Records]: ...


@contextmanager
def open_transactions(path: Path, name: str, settings: RunSettings) -> Iterator[TransactionFile]:
    """The file's records; a file that is none, or has no such columns, is one clear error."""
    with path.open("rb") as stream, ExitStack() as stack:
        before = path.stat()
        start = _start_of(stream)
        if not start:
            raise InvalidInputError(f"{name} is empty: not even a header")
        place, inner = path, name.removesuffix(".gz")
        if start.startswith((PARQUET, *WORKBOOKS)) and gzipped.is_gzip(path):  # their readers jump about
            place = stack.enter_context(gzipped.Unpacked(path)).path
        if start.startswith(PARQUET):
            yield ParquetFile(place, settings)
        elif start.startswith(WORKBOOKS):
            yield WorkbookFile(place, inner, settings)
        else:
            yield TextFile(stream, mapping=settings.mapping, encoding=settings.encoding, delimiter=settings.delimiter)
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise UnreadableFileError(f"{name} was changed while it was read; load it again")


def _start_of(stream: BinaryIO) -> bytes:
    """The first bytes of the content, also where that is gzipped."""
    start = stream.read(START_BYTES)
    stream.seek(0)
    if start.startswith(gzipped.MAGIC):
        start = gzipped.inflating(stream).read(START_BYTES)
        stream.seek(0)
    return start


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
