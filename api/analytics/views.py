"""Questions about all orders: exact at every moment, whoever wrote last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, Field

from api.platform import current_platform
from api.query import Query
from api.responses import json_response
from core.clock import now
from models import order_analytics
from models.order import OrderStatus

analytics = APIBlueprint(
    "analytics", __name__, url_prefix="/api/v1/analytics", abp_tags=[Tag(name="Analytics", description=__doc__)]
)

_LARGEST_ID = 2**63 - 1


class StatusQuery(Query):
    days: int = Field(30, ge=1, le=366, description="Orders of the last so many days, to the microsecond.")
    customer_id: int | None = Field(None, ge=-_LARGEST_ID, le=_LARGEST_ID, description="Only this customer's.")


class TopQuery(Query):
    limit: int = Field(5, ge=1, le=1000)
    days: int | None = Field(
        None, ge=1, le=366, description="Only orders of the last so many days; read one by one, so it takes longer."
    )
    customer_id: int | None = Field(None, ge=-_LARGEST_ID, le=_LARGEST_ID, description="Only this customer.")


class StatusRow(BaseModel):
    status: OrderStatus
    order_count: int
    total_amount: Decimal


class StatusReport(BaseModel):
    data: list[StatusRow]
    period: str
    generated_at: datetime


class CustomerRow(BaseModel):
    customer_id: int
    total_spend: Decimal
    order_count: int


class TopReport(BaseModel):
    data: list[CustomerRow]
    limit: int
    period: str
    generated_at: datetime


@analytics.get("/orders/status", summary="Orders by status, highest total first", responses={200: StatusReport})
def orders_by_status(query: StatusQuery) -> Response:
    with current_platform().db.connect() as connection:
        rows = order_analytics.orders_by_status(connection, days=query.days, customer_id=query.customer_id)
    return _report(rows, period=f"last_{query.days}_days")


@analytics.get("/customers/top", summary="Customers who spent most, all statuses counted", responses={200: TopReport})
def top_customers(query: TopQuery) -> Response:
    with current_platform().db.connect() as connection:
        rows = order_analytics.top_customers(
            connection, limit=query.limit, days=query.days, customer_id=query.customer_id
        )
    return _report(rows, limit=query.limit, period=f"last_{query.days}_days" if query.days else "all_time")


def _report(rows: Sequence[Any], **facts: Any) -> Response:
    return json_response({"data": [row._asdict() for row in rows], **facts, "generated_at": now()})
