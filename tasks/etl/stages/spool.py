"""The spool: a run's raw rows as one Parquet file, which transform and extract read instead of asking Postgres."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tasks.etl.arrow import RecordBatch, Table, pa, pq
from tasks.etl.records import SCHEMA
from tasks.etl.survey import SurveyWriter

FEW_VALUES = ["name", "company_id", "status", "created_at", "paid_at", "problem"]  # kept as dictionaries
# Ids and amounts are nearly random: packing them takes longer than writing them.
COMPRESSION = {name: "snappy" if name in FEW_VALUES else "none" for name in SCHEMA.names}
ROWS_AT_ONCE = 1 << 16
GROUPED = 45_000  # rows at least in a row group: judging small batches takes a third longer
BATCHES_WAITING = 2
LOOK_EVERY = 0.2  # seconds


class _GivenUpError(Exception):
    """Raised in the thread, to end it, when the rows are not to be kept."""


def survey_of(path: Path) -> Path:
    """Where the survey of a spool lies: beside it."""
    return path.with_suffix(".survey")


def surveyed(path: Path, tick: Callable[[], None] = lambda: None) -> SpoolWriter:
    """A writer of rows that are to be judged: while they pass, it notes what only all of them can tell."""
    return SpoolWriter(path, SurveyWriter(survey_of(path)), tick)


class SpoolWriter:
    """Writes batches in a thread of its own; the file appears under its name only when it is whole."""

    schema = SCHEMA

    def __init__(self, path: Path, survey: SurveyWriter | None = None, tick: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._survey = survey
        self._tick = tick
        self._is_given_up = False
        self._part = path.with_suffix(".part")
        self._batches: queue.Queue[RecordBatch | None] = queue.Queue(BATCHES_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._write, name="spool", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_given_up = error is not None
        try:
            self._put(None)
            self._wait()
        finally:
            if self._survey is not None:
                self._survey.close()
        if error is None and self._error is None:
            self._part.replace(self._path)
            return
        self._part.unlink(missing_ok=True)
        if error is None and self._error is not None:
            raise self._error

    def _wait(self) -> None:
        """Nothing may write under these names any more when we are gone."""
        while self._thread.is_alive():
            self._thread.join(LOOK_EVERY)
            if not self._is_given_up:
                try:
                    self._tick()
                except BaseException as error:  # noqa: BLE001 - raised again when the thread has stopped
                    self._is_given_up = True
                    self._error = self._error or error

    def _check(self) -> None:
        if self._is_given_up:
            raise _GivenUpError

    def write(self, batch: RecordBatch) -> None:
        self._put(batch)
        if self._error is not None:
            raise self._error

    def _put(self, batch: RecordBatch | None) -> None:
        while self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._batches.put(batch, timeout=0.5)
                return

    def _write(self) -> None:
        try:
            with pq.ParquetWriter(
                self._part,
                SCHEMA,
                compression=COMPRESSION,
                use_dictionary=FEW_VALUES,
                write_statistics=False,
            ) as writer:
                for group in _groups(iter(self._batches.get, None)):
                    writer.write_table(group)
                    if self._survey is not None:
                        for batch in group.to_batches():
                            self._survey.add(batch)
            self._check()
            if self._survey is not None:
                self._survey.finish(self._check)
        except BaseException as error:  # noqa: BLE001 - raised again where the batches come from
            self._error = self._error or error


def _groups(batches: Iterator[RecordBatch]) -> Iterator[Table]:
    """Batches put together until they are worth a row group."""
    kept: list[RecordBatch] = []
    for batch in batches:
        kept.append(batch)
        if sum(map(len, kept)) >= GROUPED:
            yield pa.Table.from_batches(kept)
            kept.clear()
    if any(map(len, kept)):
        yield pa.Table.from_batches(kept)


class Spool:
    """A whole spool; it is read in batches, any number of times."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.survey = survey_of(path)
        with pq.ParquetFile(path) as opened:
            self.rows: int = opened.metadata.num_rows

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[RecordBatch]:
        with pq.ParquetFile(self._path, read_dictionary=FEW_VALUES) as opened:
            for number in range(opened.num_row_groups):
                table: Any = opened.read_row_group(number, columns=columns, use_threads=False)
                yield from table.combine_chunks().to_batches(max_chunksize=ROWS_AT_ONCE)
