"""Raw transactions: every record of every published file, verbatim as text, with its load and line.

Rows of big loads live in tables of their own that inherit from this one, so that publishing them moves no row.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

TEXT_COLUMNS = ("id", "name", "company_id", "amount", "status", "created_at", "paid_at")


class RawTransaction(Base):
    __tablename__ = "raw_transactions"

    load_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[str | None]
    name: Mapped[str | None]
    company_id: Mapped[str | None]
    amount: Mapped[str | None]
    status: Mapped[str | None]
    created_at: Mapped[str | None]
    paid_at: Mapped[str | None]
    problem: Mapped[str | None]  # why the record could not be read as one
    record: Mapped[bytes | None] = mapped_column(LargeBinary)  # its own bytes, where text cannot say them


class RejectedTransaction(Base):
    """A raw row that did not become a charge, with all its reasons."""

    __tablename__ = "rejected_transactions"

    load_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[str | None]
    name: Mapped[str | None]
    company_id: Mapped[str | None]
    amount: Mapped[str | None]
    status: Mapped[str | None]
    created_at: Mapped[str | None]
    paid_at: Mapped[str | None]
    reasons: Mapped[list[str]]
    record: Mapped[bytes | None] = mapped_column(LargeBinary)  # as above
