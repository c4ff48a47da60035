"""Read the ledger: the daily report, companies and charges, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from models.charge import Charge, Company, DailyTransaction

Rows = Sequence[Any]  # rows with the names of their columns
DayPlace = tuple[date, Decimal, str]  # the last row of the page before


def daily_transactions(
    connection: Connection,
    *,
    limit: int,
    first: date | None = None,
    last: date | None = None,
    company: str | None = None,
    after: DayPlace | None = None,
) -> Rows:
    """Paid and refunded charges by day and company: newest day first, then highest total."""
    day, total, company_id = (
        DailyTransaction.transaction_date,
        DailyTransaction.total_amount,
        DailyTransaction.company_id,
    )
    statement = (
        select(day, Company.company_name, company_id, total, DailyTransaction.transaction_count)
        .join_from(DailyTransaction, Company, Company.company_id == company_id)
        .order_by(day.desc(), total.desc(), company_id)
        .limit(limit)
    )
    if first is not None:
        statement = statement.where(day >= first)
    if last is not None:
        statement = statement.where(day <= last)
    if company is not None:
        statement = statement.where(or_(company_id == company, Company.company_name == company))
    if after is not None:
        later = or_(total < after[1], and_(total == after[1], company_id > after[2]))
        # The first condition is all the index needs to begin in the right place.
        statement = statement.where(day <= after[0], or_(day < after[0], later))
    return connection.execute(statement).all()


def companies(connection: Connection, *, limit: int, name: str | None = None, after: str | None = None) -> Rows:
    statement = (
        select(Company.company_id, Company.company_name, Company.created_at, Company.updated_at)
        .order_by(Company.company_id)
        .limit(limit)
    )
    if name is not None:
        statement = statement.where(Company.company_name == name)
    if after is not None:
        statement = statement.where(Company.company_id > after)
    return connection.execute(statement).all()


def charges(
    connection: Connection,
    *,
    limit: int,
    company_id: str | None = None,
    status: str | None = None,
    first: date | None = None,
    before: date | None = None,
    after: str | None = None,
) -> Rows:
    """Charges in the order of their ids."""
    statement = select(*Charge.__table__.c).order_by(Charge.id).limit(limit)
    if company_id is not None:
        statement = statement.where(Charge.company_id == company_id)
    if status is not None:
        statement = statement.where(Charge.status == status)
    if first is not None:
        statement = statement.where(Charge.created_at >= first)
    if before is not None:
        statement = statement.where(Charge.created_at < before)
    if after is not None:
        statement = statement.where(Charge.id > after)
    return connection.execute(statement).all()
