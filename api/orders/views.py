"""Orders, one at a time; many at once come in with the kind `orders_import`."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import Connection

from api.idempotency import Answer, once
from api.moments import Moment
from api.platform import current_platform
from api.query import Query
from api.responses import json_response
from core.clock import now
from core.errors import InvalidInputError, NotFoundError
from core.exact_json import dumps
from models import order
from models.order import OrderStatus

orders = APIBlueprint("orders", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Orders", description=__doc__)])

_LARGEST_ID = 2**63 - 1
_CLOCKS_DIFFER_BY = timedelta(minutes=1)


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004  # pydantic turns ValueError into a named field
    return value


Id = Annotated[int, BeforeValidator(_no_truth_value), Field(ge=1, le=_LARGEST_ID, strict=True)]
Money = Annotated[Decimal, BeforeValidator(_no_truth_value), Field(ge=0, max_digits=10, decimal_places=2)]


class OrderBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    customer_id: Id
    amount: Money = Field(description="With at most two decimals: a number, or text to be safe from rounding.")
    status: OrderStatus = OrderStatus.PENDING
    created_at: Moment | None = Field(None, description="Default: now. Not in the future.")


class OrderPath(BaseModel):
    order_id: int = Field(ge=-_LARGEST_ID, le=_LARGEST_ID)


class OrderQuery(Query):
    customer_id: int | None = Field(None, ge=-_LARGEST_ID, le=_LARGEST_ID)
    status: OrderStatus | None = None
    limit: int = Field(50, ge=1, le=500)
    cursor: int | None = Field(None, ge=1, le=_LARGEST_ID, description="`next_cursor` of the page before.")


class OrderDocument(BaseModel):
    id: int
    customer_id: int
    amount: Decimal
    status: OrderStatus
    created_at: datetime


class OrderList(BaseModel):
    data: list[OrderDocument]
    next_cursor: int | None


@orders.post("/orders", summary="Add an order", responses={201: OrderDocument})
def add_order(body: OrderBody) -> Response:
    if body.created_at is not None and body.created_at > now() + _CLOCKS_DIFFER_BY:
        raise InvalidInputError(f"created_at {body.created_at.isoformat()} lies in the future")

    def add(connection: Connection) -> Answer:
        added = order.add(connection, **body.model_dump())
        return Answer(201, dumps(added._asdict()), {"Location": f"/api/v1/orders/{added.id}"})

    return once(add)


@orders.get("/orders", summary="List orders, highest number first", responses={200: OrderList})
def list_orders(query: OrderQuery) -> Response:
    with current_platform().db.connect() as connection:
        rows = order.page(
            connection,
            limit=query.limit + 1,
            before=query.cursor,
            customer_id=query.customer_id,
            status=query.status,
        )
    shown = [row._asdict() for row in rows[: query.limit]]
    return json_response({"data": shown, "next_cursor": shown[-1]["id"] if len(rows) > query.limit else None})


@orders.get("/orders/<order_id>", summary="One order", responses={200: OrderDocument})
def get_order(path: OrderPath) -> Response:
    with current_platform().db.connect() as connection:
        found = order.find(connection, path.order_id)
    if found is None:
        raise NotFoundError(f"no order {path.order_id}")
    return json_response(found._asdict())
