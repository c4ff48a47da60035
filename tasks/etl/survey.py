"""What only a whole file can tell, noted while its rows are written to the spool: its companies, and repeated ids."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from tasks.etl.arrow import RecordBatch
from tasks.etl.companies import CompanyDirectory
from tasks.etl.company_count import INDEXES, TABLES, CompanyCount
from tasks.etl.duplicates import repeated_hashes, short_ids
from tasks.etl.hashing import Hashes, LookOut, hashes

CACHE_KIB = 32 * 1024
HASHES_READ = 1 << 20
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_FACTS = "CREATE TABLE facts (rows INTEGER, contested BLOB, boot TEXT); CREATE TABLE repeated (hashes BLOB);"


def this_boot() -> str:
    """A mark that is another after each start of the machine; always the same where the system gives none."""
    return _BOOT.read_text().strip() if _BOOT.exists() else ""


def rows_since_boot(path: Path) -> int | None:
    """How many rows a survey tells of; None if it is lost, or older than this start of the machine.

    Nothing here waits for the disk. What was written before the power failed may be torn, and is made again.
    """
    if not path.exists():
        return None
    with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(_open(path)) as db:
        found = db.execute("SELECT rows FROM facts WHERE boot = ?", (this_boot(),)).fetchone()
        return found[0] if found else None
    return None  # torn


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{CACHE_KIB}", "temp_store=FILE"):
        db.execute(f"PRAGMA {pragma}")
    return db


class SurveyWriter:
    """Takes all records in; the survey appears under its name only when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_suffix(".survey-part")
        self._companies = CompanyCount(path.parent)
        self._hashes = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed with us
        self._rows = 0

    def add(self, batch: RecordBatch) -> None:
        self._rows += len(batch)
        self._hashes.write(hashes(short_ids(batch.column("id"))).tobytes())
        problems = batch.column("problem")
        sound = batch if problems.null_count == len(batch) else batch.filter(problems.is_null())
        lines = sound.column("line").to_numpy(zero_copy_only=False)
        self._companies.add(sound.column("company_id"), sound.column("name"), lines)

    def finish(self, check: Callable[[], None]) -> None:
        """All rows were added: put down what they told. `check` is called between steps and may raise."""
        self._part.unlink(missing_ok=True)
        with contextlib.closing(_open(self._part)) as db:
            db.executescript(_FACTS + TABLES)
            db.execute("BEGIN")
            for numbers in repeated_hashes(self._read_hashes, self._rows):
                db.execute("INSERT INTO repeated VALUES (?)", (numbers.tobytes(),))
                check()
            for _ in self._companies.decide(db):
                check()
            facts = (self._rows, self._companies.contested.to_bytes(), this_boot())
            db.execute("INSERT INTO facts VALUES (?, ?, ?)", facts)
            db.execute("COMMIT")
            db.executescript(INDEXES)
        self._part.replace(self._path)

    def _read_hashes(self) -> Iterator[Hashes]:
        self._hashes.seek(0)
        while piece := self._hashes.read(HASHES_READ):
            yield np.frombuffer(piece, np.uint64)

    def close(self) -> None:
        self._companies.close()
        self._hashes.close()
        self._part.unlink(missing_ok=True)


class Survey:
    """A whole survey."""

    def __init__(self, path: Path) -> None:
        self._db = _open(path)
        rows, contested = self._db.execute("SELECT rows, contested FROM facts").fetchone()
        self.rows: int = rows
        self._contested = LookOut.from_bytes(contested)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def repeated(self) -> Hashes:
        """The hashes of short ids that several rows share, sorted."""
        parts = [np.frombuffer(raw, np.uint64) for (raw,) in self._db.execute("SELECT hashes FROM repeated")]
        return np.sort(np.concatenate(parts))

    def directory(self, *, repair: bool) -> CompanyDirectory:
        return CompanyDirectory(self._db, self._contested, repair=repair)
