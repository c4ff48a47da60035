"""The ledger's daily report: a plot, the days, and the whole of it as a file."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Response, request

from api.console.asking import ask
from api.console.pages import console, show
from api.reports import schemas, views

_PAGE = 500
_ASKED = ("from", "to", "company")


@console.get("/reports")
def reports() -> Response:
    query = _query("json")
    page = ask(views.daily_transactions, query=query)
    return show(
        "reports.html",
        page=page,
        days=_by_day(page["data"]),
        asked={name: request.args.get(name, "") for name in _ASKED},
        cursor=query.cursor,
    )


@console.get("/reports/daily-transactions.<any(csv, xlsx):kind>")
def report_file(kind: str) -> Response:
    response: Response = views.daily_transactions(query=_query(kind))
    return response


def _query(kind: str) -> schemas.DailyQuery:
    named = {name: request.args.get(name) or None for name in (*_ASKED, "cursor")}
    return schemas.DailyQuery.model_validate({**named, "limit": _PAGE, "format": kind})


def _by_day(rows: list[dict[str, Any]]) -> list[tuple[str, Decimal, int]]:
    """Totals of the days on this page, oldest first."""
    totals: dict[str, tuple[Decimal, int]] = {}
    for row in rows:
        amount, count = totals.get(row["transaction_date"], (Decimal(), 0))
        totals[row["transaction_date"]] = (amount + row["total_amount"], count + row["transaction_count"])
    return [(day, amount, count) for day, (amount, count) in sorted(totals.items())]
