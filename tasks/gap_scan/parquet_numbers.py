"""Stream a column of whole numbers out of a Parquet file, without a cell for each: memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.errors import UnreadableFileError
from core.workbook.source import Tick
from tasks.gap_scan.column import LARGEST
from tasks.gap_scan.series import Block, RowsFrom
from tasks.gap_scan.tally import Numbers

BATCH_ROWS = 1 << 18
FIRST_ROW = 2  # names stand in row 1, as they would in a sheet


class UnusualColumnError(Exception):
    """This column needs the general path; never leaves this package."""


class ParquetNumbers:
    """The column's blocks, as often as somebody goes through them."""

    def __init__(self, path: Path, column: int, tick: Tick) -> None:
        self._path, self._column, self._tick = path, column, tick
        with pq.ParquetFile(path) as opened:
            self.rows = opened.metadata.num_rows
            field = opened.schema_arrow.field(column)
            if not pa.types.is_integer(field.type) or field.type == pa.uint64():
                raise UnusualColumnError
            self._name = field.name
            if opened.schema_arrow.names.count(field.name) > 1:
                raise UnusualColumnError

    def blocks(self) -> Iterator[Block]:
        at = FIRST_ROW
        try:
            with pq.ParquetFile(self._path, memory_map=True) as opened:
                for batch in _ahead(opened.iter_batches(BATCH_ROWS, columns=[self._name], use_threads=True)):
                    self._tick(at - FIRST_ROW, self.rows)
                    yield from _block(batch.column(0), at)
                    at += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFileError(f"the Parquet file is damaged: {error}") from error


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Decode the next batch on the other core while this one is looked at: a third off the time of a long column."""
    with ThreadPoolExecutor(1, "decode") as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def _block(column: pa.Array[pa.Int64Scalar], at: int) -> Iterator[Block]:
    rows: RowsFrom | Numbers = RowsFrom(at)
    if column.null_count:
        keep = column.is_valid()
        rows, column = rows[np.asarray(keep)], column.filter(keep)
    if not len(column):
        return
    ends = pc.min_max(column)
    if ends["max"].as_py() > LARGEST or ends["min"].as_py() < -LARGEST:
        raise UnusualColumnError
    numbers = column.cast(pa.int64()).to_numpy()
    yield Block(rows, numbers)
