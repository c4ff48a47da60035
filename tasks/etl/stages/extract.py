"""Extract: a run's raw rows as one Parquet or CSV file, with what there is to know about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from core.formula_guard import RISKY
from models.etl_run import EtlRun
from tasks.etl.arrow import Array, RecordBatch, pa, pa_csv, pc
from tasks.etl.dialect import GUARD_COLUMN
from tasks.etl.fields import COLUMNS
from tasks.etl.source import sha256_of
from tasks.etl.stages.rebuild import spool_of
from tasks.etl.stages.spool import SpoolWriter
from tasks.etl.stages.workplace import Stopwatch, Workplace

STAGE = "extract"


@dataclass(frozen=True)
class Filters:
    """Which raw rows; they are compared as texts, as the file has them."""

    company_id: str | None = None
    status: str | None = None
    created_from: date | None = None
    created_to: date | None = None

    @property
    def is_empty(self) -> bool:
        return self == Filters()

    def chosen(self, batch: RecordBatch) -> RecordBatch:
        for column, wanted in (("company_id", self.company_id), ("status", self.status)):
            if wanted is not None:
                batch = batch.filter(pc.equal(_text(batch.column(column)), wanted))
        days = pc.utf8_slice_codeunits(_text(batch.column("created_at")), 0, 10)
        if self.created_from is not None:
            batch, days = _both(batch, days, pc.greater_equal(days, self.created_from.isoformat()))
        if self.created_to is not None:
            batch, days = _both(batch, days, pc.less_equal(days, self.created_to.isoformat()))
        return batch


def _both(batch: RecordBatch, days: Array, keep: Array) -> tuple[RecordBatch, Array]:
    return batch.filter(keep), days.filter(keep)


def extract(place: Workplace, run: EtlRun, target: Path, *, as_csv: bool, filters: Filters) -> dict[str, Any]:
    """Write the file; answers its metadata."""
    watch = Stopwatch()
    spool = spool_of(place, run)
    if as_csv:
        rows = _write_csv(place, spool.batches(), target, filters, spool.rows)
    elif filters.is_empty:
        # The spool is this very file already: the same rows in the same order.
        target.unlink(missing_ok=True)
        target.hardlink_to(place.spool_of(run.id))
        rows = spool.rows
    else:
        rows = 0
        with SpoolWriter(target) as writer:
            for batch in spool.batches():
                chosen = filters.chosen(batch)
                writer.write(
                    pa.RecordBatch.from_arrays([_plain(column) for column in chosen.columns], schema=writer.schema)
                )
                rows += len(chosen)
                place.tick(rows, spool.rows, message="writing rows")
    return {
        "rows": rows,
        "bytes": target.stat().st_size,
        "sha256": sha256_of(target),
        "format": "csv" if as_csv else "parquet",
        "schema": {name: "int64" if name in {"line", GUARD_COLUMN} else "text" for name in _names(as_csv=as_csv)},
        "filters": {name: str(value) for name, value in filters.__dict__.items() if value is not None},
        **watch.facts(rows),
    }


def _names(*, as_csv: bool) -> list[str]:
    return [GUARD_COLUMN, *COLUMNS] if as_csv else ["line", *COLUMNS, "problem", "record"]


def _write_csv(place: Workplace, batches: Any, target: Path, filters: Filters, total: int) -> int:
    """CSV that can be loaded again. An apostrophe keeps spreadsheets from running what a field says."""
    rows = 0
    schema = pa.schema([(GUARD_COLUMN, pa.int64()), *((name, pa.string()) for name in COLUMNS)])
    with target.open("wb") as stream, pa_csv.CSVWriter(stream, schema) as writer:
        for batch in batches:
            chosen = filters.chosen(batch)
            columns = [chosen.column("line"), *(guarded(_text(chosen.column(name))) for name in COLUMNS)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
            rows += len(chosen)
            place.tick(rows, total, message="writing rows")
    return rows


def guarded(texts: Array) -> Array:
    """Texts that no spreadsheet takes for a formula; our reader takes the guard off again."""
    risky = pc.match_substring_regex(texts, RISKY)
    return pc.if_else(risky, pc.binary_join_element_wise("'", texts, ""), texts)


def _plain(column: Array) -> Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _text(column: Array) -> Array:
    return pc.fill_null(_plain(column), "")
