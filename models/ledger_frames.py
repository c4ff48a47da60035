"""Charges from a data frame into the ledger, and what a notebook asks of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.dialects.postgresql import insert

from models.charge import Charge, Company
from models.raw_transaction import RawTransaction

_AT_ONCE = 5000
_CHARGE = ("id", "company_id", "amount", "status", "created_at", "updated_at")


def insert_charges(connection: Connection, rows: Sequence[Mapping[Hashable, Any]]) -> int:
    """Add charges and the companies they name; what is there stays as it is. Answers how many were new."""
    added = 0
    for start in range(0, len(rows), _AT_ONCE):
        part = [_without_nan(row) for row in rows[start : start + _AT_ONCE]]
        companies = {row["company_id"]: row["company_name"] for row in part if row.get("company_name")}
        if companies:
            values = [{"company_id": key, "company_name": name} for key, name in sorted(companies.items())]
            connection.execute(insert(Company).values(values).on_conflict_do_nothing())
        charges = [{name: row.get(name) for name in _CHARGE} for row in part]
        statement = insert(Charge).values(charges).on_conflict_do_nothing().returning(Charge.id)
        added += len(connection.execute(statement).all())
    return added


def _without_nan(row: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
    """A frame says NaN or NaT for what is not there; neither equals itself."""
    return {key: value if value == value else None for key, value in row.items()}  # noqa: PLR0124


def count_raw(connection: Connection, load_id: int) -> tuple[int, int]:
    """Rows of a load that show, and how many lines they come from."""
    line = RawTransaction.line
    statement = select(func.count(), func.count(line.distinct())).where(RawTransaction.load_id == load_id)
    rows, lines = connection.execute(statement).one()
    return rows, lines


def summary_exists(connection: Connection) -> bool:
    return "daily_transaction_summary" in inspect(connection).get_view_names()
