"""The tables of the business as they are: charges, companies, orders."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api.console.asking import ask, may
from api.console.pages import console, show
from api.jobs.views import submit_job
from api.orders.views import OrderQuery, list_orders
from api.reports import schemas, views
from models.order import OrderStatus
from tasks.etl.statuses import STATUSES

_PAGE = 100
_ASKED_OF_CHARGES = ("company_id", "status", "from", "to")
_ASKED_OF_ORDERS = ("customer_id", "status")


@console.get("/charges")
def charges() -> Response:
    return _shown(
        "charges.html", ask(views.list_charges, query=_charge_query("json")), _ASKED_OF_CHARGES, statuses=STATUSES
    )


@console.get("/charges.<any(csv, xlsx):kind>")
def charges_file(kind: str) -> Response:
    response: Response = views.list_charges(query=_charge_query(kind))
    return response


@console.get("/companies")
def companies() -> Response:
    query = schemas.CompanyQuery.model_validate({**_said(("name", "cursor")), "limit": _PAGE})
    return _shown("companies.html", ask(views.list_companies, query=query), ("name",))


@console.get("/orders")
def orders() -> Response:
    query = OrderQuery.model_validate({**_said((*_ASKED_OF_ORDERS, "cursor")), "limit": _PAGE})
    page = ask(list_orders, query=query)
    return _shown("orders.html", page, _ASKED_OF_ORDERS, statuses=list(OrderStatus), may_write=may(submit_job))


def _charge_query(kind: str) -> schemas.ChargeQuery:
    said = _said((*_ASKED_OF_CHARGES, "cursor"))
    return schemas.ChargeQuery.model_validate({**said, "limit": _PAGE, "format": kind})


def _said(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: request.args.get(name, "").strip() or None for name in names}


def _shown(template: str, page: dict[str, Any], asked: tuple[str, ...], **facts: Any) -> Response:
    """`where` is what was asked for: the links to other pages and to files keep it."""
    said = _said(asked)
    where = {name: value for name, value in said.items() if value}
    is_first = not request.args.get("cursor")
    return show(template, page=page, asked=said, where=where, is_first=is_first, **facts)
