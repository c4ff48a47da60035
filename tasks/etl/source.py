"""Open a transaction file by what it holds: text in any usual form, gzipped or not, Parquet, or a workbook."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from core.errors import InvalidInputError, UnreadableFileError
from tasks.etl.dialect import Header
from tasks.etl.records import Records, TextFile
from tasks.etl.settings import RunSettings
from tasks.etl.tables import ParquetFile, WorkbookFile

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
    with path.open("rb") as stream:
        start = stream.read(8)
        stream.seek(0)
        if not start:
            raise InvalidInputError(f"{name} is empty: not even a header")
        before = path.stat()
        if start.startswith(PARQUET):
            yield ParquetFile(path, settings)
        elif start.startswith(WORKBOOKS):
            yield WorkbookFile(path, name, settings)
        else:
            yield TextFile(stream, mapping=settings.mapping, encoding=settings.encoding, delimiter=settings.delimiter)
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise UnreadableFileError(f"{name} was changed while it was read; load it again")


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
