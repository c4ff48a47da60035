"""The ledger: companies, their charges, and the daily sums that are kept with them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

# Bytes compare twice as fast as words, and ids have no alphabet: building the keys takes half the time.
_ID = String(24, collation="C")


class Company(Base):
    __tablename__ = "companies"

    company_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    company_name: Mapped[str] = mapped_column(String(130))
    created_at: Mapped[datetime] = mapped_column(DateTime, server_default=text("CURRENT_TIMESTAMP"))
    updated_at: Mapped[datetime | None] = mapped_column(DateTime)
    # The id as the file had it; two of them may begin with the same 24 characters, and only one can be this company.
    full_id: Mapped[str | None] = mapped_column(String(collation="C"))


class Charge(Base):
    __tablename__ = "charges"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    company_id: Mapped[str] = mapped_column(_ID, ForeignKey(Company.company_id))
    amount: Mapped[Decimal] = mapped_column(Numeric(16, 2))
    status: Mapped[str] = mapped_column(String(30, collation="C"))
    created_at: Mapped[datetime] = mapped_column(DateTime)
    updated_at: Mapped[datetime | None] = mapped_column(DateTime)


class DailyTransaction(Base):
    """The sum of the paid and refunded charges of a company and day: a trigger on `charges` keeps it exact."""

    __tablename__ = "daily_transactions"

    transaction_date: Mapped[date] = mapped_column(primary_key=True)
    company_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    total_amount: Mapped[Decimal] = mapped_column(Numeric(24, 2))
    transaction_count: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_daily_transactions_shown", text("transaction_date DESC"), text("total_amount DESC"), "company_id"),
    )
