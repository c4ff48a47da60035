"""What an export takes and gives."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from tasks.contract import JobKind, Params, Queue, Result


class TableExportParams(Params):
    table: str = Field(min_length=1, max_length=100, description="A table's name, such as `orders` or `items`.")
    format: Literal["csv", "xlsx"] = Field("csv", description="`xlsx` goes on on further sheets after 1,048,575 rows.")


class TableExportResult(Result):
    table: str
    rows: int
    bytes: int
    artifact: str = Field(description="The name of the file among the job's artifacts.")


TABLE_EXPORT = JobKind(
    name="table_export",
    title="Export a table",
    description=(
        "Write a whole table, as of one moment, to a CSV file or a workbook. Cells cannot carry formulas, and numbers "
        "a workbook cannot hold exactly are written as text."
    ),
    params=TableExportParams,
    result=TableExportResult,
    body="tasks.table_export.task",
    queue=Queue.HEAVY,
    time_limit=timedelta(minutes=25),
)
