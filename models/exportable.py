"""Tables that people may take along, and their rows in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from models.tables import Base

# What belongs to the platform or to one owner is not for everybody's spreadsheet.
_INTERNAL = {
    "api_keys",
    "artifacts",
    "audit_entries",
    "cache_generations",
    "files",
    "idempotency_keys",
    "job_events",
    "job_logs",
    "jobs",
    "number_set_entries",
    "order_imports",
    "paused_queues",
    "running_sum_entries",
    "schedule_runs",
    "schedules",
    "sync_pages",
    "two_sum_results",
    "workers",
}
_AT_ONCE = 5000


def exportable() -> dict[str, Table]:
    """Every table of the business, by name; a new one is among them without being named here."""
    tables = sorted(Base.metadata.tables.items())
    return {name: table for name, table in tables if name not in _INTERNAL and "owner" not in table.columns}


def columns_of(table: str) -> list[str]:
    return [column.name for column in exportable()[table].columns]


def rows_of(connection: Connection, table: str) -> Iterator[Sequence[Any]]:
    """All rows as of one moment, in the order of their key, without holding them all."""
    found = exportable()[table]
    statement = select(*found.columns).order_by(*found.primary_key.columns)
    yield from connection.execution_options(yield_per=_AT_ONCE).execute(statement)
