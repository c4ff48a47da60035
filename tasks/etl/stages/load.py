"""Load: every record of the file into the load's own raw tables, verbatim, chunk by chunk."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import ConflictError
from models.bulk_copy import CopyIn
from models.etl_run import EtlRun, move_stage
from models.etl_staging import Staging, copy_odd, copy_plain, write_early
from tasks.etl.arrow import Array, give_back, pc
from tasks.etl.records import Records
from tasks.etl.settings import RunSettings
from tasks.etl.source import open_transactions
from tasks.etl.stages.spool import SpoolWriter, surveyed
from tasks.etl.stages.workplace import Stopwatch, Workplace

CHUNK_BYTES = 512 * 1024**2  # what a crash costs at most; each chunk is one table, so not too many of them
PIECE_BYTES = 1 << 20
KEPT_IN_MEMORY = 8 * 1024**2
STAGE = "load"


def load(place: Workplace, run: EtlRun, path: Path) -> dict[str, Any]:
    """Load the run's file; after a crash, from the first chunk that is not there. Answers the stage's report."""
    standing: dict[str, Any] = run.stages.get(STAGE) or {}
    if standing.get("done"):
        return standing
    watch = Stopwatch()
    loader = _Loader(place, run, standing)
    settings = RunSettings.model_validate(run.settings)
    with (
        open_transactions(path, run.file_name, settings) as opened,
        surveyed(place.spool_of(run.id), loader.tick) as spool,
    ):
        # The spool needs all records, also those that an earlier attempt has loaded already.
        records = _after(_spooled(opened.records(), spool), loader.last_line)
        for first in records:
            loader.load_chunk(itertools.chain([first], records), opened.delimiter)
        header = opened.header
    give_back()
    report = {
        "rows": 0,  # a file may hold nothing but its header
        "problems": {},
        **loader.standing,
        "done": True,
        "columns": list(header.names)[:100],
        "columns_unused": list(header.unused)[:100],
        "bytes": run.file_bytes,
        **watch.facts(loader.rows),
    }
    loader.move(report)
    return report


def _spooled(records: Iterator[Records], spool: SpoolWriter) -> Iterator[Records]:
    for part in records:
        spool.write(part.batch)
        yield part


def _after(records: Iterator[Records], last_line: int) -> Iterator[Records]:
    """What an earlier attempt has not loaded yet; the reader cuts the same file always alike."""
    return (part for part in records if part.last_line > last_line)


class _Loader:
    """Puts chunks into tables; each is whole with its transaction, and the mark in the run says which are there."""

    def __init__(self, place: Workplace, run: EtlRun, standing: dict[str, Any]) -> None:
        self._place = place
        self._run = run
        self._staged = Staging(run.load_id)
        self.standing = standing
        self._mark: int | None = standing.get("mark")
        self.rows: int = standing.get("rows", 0)
        self.last_line: int = standing.get("last_line", 0)
        self._problems = Counter[str](standing.get("problems", {}))

    def load_chunk(self, records: Iterator[Records], delimiter: str) -> None:
        number = self._mark or 0
        with (
            self._place.transaction() as connection,
            tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY) as odd,
        ):
            write_early(connection)
            if number == 0:
                self._staged.drop(connection)
                self._staged.create_raw(connection)
            table = self._staged.create_chunk(connection, number)
            with CopyIn(connection, copy_plain(table, delimiter)) as copy:
                size = 0
                for part in records:
                    copy.write(part.plain)
                    odd.write(part.odd)
                    size += len(part.plain) + len(part.odd)
                    self._count(part)
                    self._place.tick(part.bytes_read, self._run.file_bytes, message=f"{self.rows} rows read")
                    if size >= CHUNK_BYTES:
                        break
            odd.seek(0)
            with CopyIn(connection, copy_odd(table, delimiter)) as copy:
                while piece := odd.read(PIECE_BYTES):
                    copy.write(piece)
            self.standing = {
                "mark": number + 1,
                "rows": self.rows,
                "last_line": self.last_line,
                "problems": dict(self._problems),
            }
            if not move_stage(connection, self._run.id, STAGE, self._mark, self.standing):
                raise ConflictError(f"somebody else went on with load {self._run.load_id}")
        self._mark = number + 1

    def tick(self) -> None:
        self._place.tick(self._run.file_bytes, self._run.file_bytes, message="counting companies")

    def move(self, report: dict[str, Any]) -> None:
        """Say that the stage is done; a file without a record gets its empty table only here."""
        with self._place.transaction() as connection:
            if self._mark is None:
                self._staged.drop(connection)
                self._staged.create_raw(connection)
            report = {**report, "mark": self._mark or 0}
            if not move_stage(connection, self._run.id, STAGE, self._mark, report):
                raise ConflictError(f"somebody else went on with load {self._run.load_id}")

    def _count(self, part: Records) -> None:
        self.rows += len(part.batch)
        self.last_line = part.last_line
        problems: Array = part.batch.column("problem")
        if problems.null_count < len(problems):
            for entry in pc.value_counts(problems.drop_null()).to_pylist():
                self._problems[entry["values"]] += entry["counts"]
