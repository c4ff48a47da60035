"""What an import of orders takes and gives."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tasks.contract import JobKind, Params, Queue, Result

REJECTS_TOLD = 100

ColumnName = Annotated[str, Field(min_length=1, max_length=500)]
FileId = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, UUID) else value),
    Field(pattern=r"^[0-9a-fA-F-]{36}$"),
]


class OrderColumns(Params):
    """Header names or letters of the columns."""

    id: ColumnName | None = Field(None, description="Order numbers to keep; without, `id` if there is such a column.")
    customer_id: ColumnName = "customer_id"
    amount: ColumnName = "amount"
    status: ColumnName = "status"
    created_at: ColumnName = "created_at"


class OrdersImportParams(Params):
    file: FileId | None = Field(None, description="The id of an uploaded file.")
    filepath: str | None = Field(None, max_length=1000, description="A path inside the server's data root.")
    sheet: str | int | None = Field(None, description="Name, or index from 0; the first by default.")
    columns: OrderColumns = Field(default_factory=OrderColumns)
    again: bool = Field(default=False, description="Import even if the same rows of this file were imported before.")

    @model_validator(mode="after")
    def _one_file(self) -> Self:
        if (self.file is None) == (self.filepath is None):
            raise ValueError("give `file` or `filepath`")
        return self


class RejectedRow(BaseModel):
    model_config = ConfigDict(frozen=True)

    row: int = Field(description="The row's number as the spreadsheet shows it.")
    reasons: list[str]


class OrdersImportResult(Result):
    rows: int = Field(description="Rows that hold anything: added + unchanged + rejected.")
    added: int
    unchanged: int = Field(description="Orders that were there already, just so.")
    rejected: int
    rejects: list[RejectedRow] = Field(description=f"The first {REJECTS_TOLD}; all are in rejects.csv.")
    imported_before_by: str | None = Field(description="The job that imported this file before; then nothing was done.")


ORDERS_IMPORT = JobKind(
    name="orders_import",
    title="Import orders",
    description=(
        "Add the orders of a CSV file or workbook. Every row is either added, or there already, or rejected with all "
        "its reasons; the rejects can be downloaded, mended and imported. The same file twice changes nothing."
    ),
    params=OrdersImportParams,
    result=OrdersImportResult,
    body="tasks.orders_import.task",
    queue=Queue.HEAVY,
    time_limit=timedelta(minutes=25),
)
