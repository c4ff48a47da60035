"""Orders at a glance: by status, and who spent most."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Response, request

from api.analytics.views import StatusQuery, TopQuery, orders_by_status, top_customers
from api.console.asking import ask
from api.console.pages import console, show

_PERIODS = (7, 30, 90, 365)
_SHOWN = 10


@console.get("/analytics")
def analytics() -> Response:
    asked = request.args.get("days", type=int)
    days = asked if asked in _PERIODS else 30
    by_status = ask(orders_by_status, query=StatusQuery(days=days))["data"]
    customers = ask(top_customers, query=TopQuery(limit=_SHOWN))["data"]
    return show(
        "analytics.html",
        days=days,
        periods=_PERIODS,
        by_status=_with_shares(by_status, "total_amount"),
        total=sum((row["total_amount"] for row in by_status), Decimal()),
        count=sum(row["order_count"] for row in by_status),
        customers=_with_shares(customers, "total_spend"),
    )


def _with_shares(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Each row with its length beside the longest, in thousandths."""
    most = max((row[name] for row in rows), default=0)
    return [{**row, "share": int(1000 * row[name] / most) if most > 0 else 0} for row in rows]
