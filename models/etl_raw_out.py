"""Raw rows of a load, read in the order of the file through a cursor on the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, text

from models.etl_staging import Staging
from models.raw_transaction import TEXT_COLUMNS

ROWS_AT_ONCE = 20_000


def raw_rows(connection: Connection, load_id: int) -> Iterator[Sequence[Any]]:
    """Pieces of (line, seven texts, problem, record); staged or published makes no difference."""
    columns = ", ".join(("line", *TEXT_COLUMNS, "problem", "record"))
    staged = Staging(load_id)
    table = staged.raw if staged.has_raw(connection) else "raw_transactions"
    statement = text(f"SELECT {columns} FROM {table} WHERE load_id = :load_id ORDER BY line")  # noqa: S608 - integers
    rows = connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE).execute(
        statement, {"load_id": load_id}
    )
    yield from rows.partitions()
