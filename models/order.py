"""Orders, and the two rollups that keep their analytics quick.

The rollups are kept by triggers, statement by statement, in the transaction that changes the orders: whoever writes,
and however, they are exact at every moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Connection,
    Identity,
    Index,
    Numeric,
    Row,
    SmallInteger,
    func,
    insert,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    PAID = "PAID"
    CANCELLED = "CANCELLED"


class Order(Base):
    __tablename__ = "orders"

    # "By default", because an import may bring the numbers of another system along.
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    status: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(f"status IN ({', '.join(repr(str(s)) for s in OrderStatus)})", name="status"),
        # The part of an hour at the edge of a period is read from here, without touching the table.
        Index("ix_orders_created_at", "created_at", postgresql_include=["status", "amount"]),
        Index("ix_orders_customer_id_created_at", "customer_id", "created_at", postgresql_include=["status", "amount"]),
    )


class OrderStatusHour(Base):
    """Count and sum of one hour's orders with one status, in up to four rows: sessions must not wait in line."""

    __tablename__ = "order_status_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    order_count: Mapped[int] = mapped_column(BigInteger)
    total_amount: Mapped[Decimal] = mapped_column(Numeric(24, 2))

    # The running hour is rewritten by every order.
    __table_args__ = ({"postgresql_with": {"fillfactor": "50"}},)


class CustomerSpend(Base):
    """Count and sum of one customer's orders."""

    __tablename__ = "customer_spend"

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    order_count: Mapped[int] = mapped_column(BigInteger)
    total_spend: Mapped[Decimal] = mapped_column(Numeric(24, 2))
    # Never below the total, and moved only when the total reaches it: an index on the total itself would be
    # rewritten by every order, which costs more than all the rest of the rollup.
    at_most: Mapped[Decimal] = mapped_column(Numeric(24, 2))

    __table_args__ = (
        CheckConstraint("at_most >= total_spend", name="at_most"),
        Index("ix_customer_spend_at_most", "at_most"),
        {"postgresql_with": {"fillfactor": "60"}},
    )


_COLUMNS = tuple(Order.__table__.c)


def add(
    connection: Connection, *, customer_id: int, amount: Decimal, status: OrderStatus, created_at: datetime | None
) -> Row[Any]:
    statement = insert(Order).values(
        customer_id=customer_id, amount=amount, status=str(status), created_at=created_at or func.now()
    )
    return connection.execute(statement.returning(*_COLUMNS)).one()


def find(connection: Connection, order_id: int) -> Row[Any] | None:
    return connection.execute(select(*_COLUMNS).where(Order.id == order_id)).first()


def page(
    connection: Connection, *, limit: int, before: int | None, customer_id: int | None, status: OrderStatus | None
) -> Sequence[Row[Any]]:
    """Highest number first."""
    statement = select(*_COLUMNS).order_by(Order.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Order.id < before)
    if customer_id is not None:
        statement = statement.where(Order.customer_id == customer_id)
    if status is not None:
        statement = statement.where(Order.status == str(status))
    return connection.execute(statement).all()
