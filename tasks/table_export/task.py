"""The body of an export."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import InvalidInputError
from core.table_files import MEDIA_TYPES, write_csv, write_xlsx
from models.exportable import columns_of, exportable, rows_of
from tasks.base import job_task
from tasks.context import JobContext
from tasks.table_export.contract import TABLE_EXPORT, TableExportParams, TableExportResult


@job_task(TABLE_EXPORT)
def run(params: TableExportParams, job: JobContext) -> TableExportResult:
    table = params.table
    if table not in exportable():
        raise InvalidInputError(f"no table {table!r} to export; there are {', '.join(exportable())}", table=table)
    name = f"{table}.{params.format}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        with job.db.transaction() as connection:
            rows = _watched(job, rows_of(connection, table))
            if params.format == "csv":
                count = write_csv(path, columns_of(table), rows)
            else:
                count = write_xlsx(path, columns_of(table), rows, name=table)
        stored = job.save_artifact(path, name, MEDIA_TYPES[params.format])
    return TableExportResult(table=table, rows=count, bytes=stored.bytes, artifact=name)


def _watched(job: JobContext, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    for count, row in enumerate(rows, start=1):
        if count % 500 == 0:
            job.tick(count, stage="write")
        yield row
