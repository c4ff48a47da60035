"""The ledger as reports: paid and refunded charges by day and company, companies, charges."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from flask import Response
from flask_openapi import APIBlueprint, Tag

from api.platform import current_platform
from api.reports import schemas
from api.responses import json_response
from api.spreadsheets import csv_response, xlsx_response
from models import ledger_reports
from models.ledger_reports import Rows

reports = APIBlueprint("reports", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Reports", description=__doc__)])

_PAGE = 5000
_CHARTED_DAYS = 3660
_DAILY = ("transaction_date", "company_name", "company_id", "total_amount", "transaction_count")
_CHARGE = ("id", "company_id", "amount", "status", "created_at", "updated_at")


@reports.get(
    "/reports/daily-transactions", summary="The daily transaction report", responses={200: schemas.DailyReport}
)
def daily_transactions(query: schemas.DailyQuery) -> Response:
    """Paid and refunded charges by day and company: newest day first, then highest total. Excel comes with a chart."""
    place = schemas.place_of(query.cursor) if query.cursor else None

    def page(limit: int, after: Any) -> Rows:
        with db.connect() as connection:
            return ledger_reports.daily_transactions(
                connection, limit=limit, first=query.first, last=query.last, company=query.company, after=after
            )

    db = current_platform().db

    def place_of(row: Any) -> Any:
        return (row.transaction_date, row.total_amount, row.company_id)

    if query.format == "csv":
        return csv_response("daily-transactions.csv", _DAILY, _all(page, place_of))
    if query.format == "xlsx":
        totals = _DayTotals()
        return xlsx_response("daily-transactions.xlsx", _DAILY, totals.watch(_all(page, place_of)), chart=totals.draw)
    rows = page(query.limit + 1, place)
    return _answer(rows, query.limit, lambda row: schemas.cursor_of(place_of(row)))


@reports.get("/companies", summary="Companies by id", responses={200: schemas.CompanyList})
def list_companies(query: schemas.CompanyQuery) -> Response:
    with current_platform().db.connect() as connection:
        rows = ledger_reports.companies(connection, limit=query.limit + 1, name=query.name, after=query.cursor)
    return _answer(rows, query.limit, lambda row: row.company_id)


@reports.get("/charges", summary="Charges by id", responses={200: schemas.ChargeList})
def list_charges(query: schemas.ChargeQuery) -> Response:
    before = query.last + dt.timedelta(days=1) if query.last and query.last < dt.date.max else None
    db = current_platform().db

    def page(limit: int, after: Any) -> Rows:
        with db.connect() as connection:
            return ledger_reports.charges(
                connection, limit=limit, company_id=query.company_id, status=query.status, first=query.first,
                before=before, after=after,
            )  # fmt: skip

    if query.format != "json":
        make = csv_response if query.format == "csv" else xlsx_response
        return make(f"charges.{query.format}", _CHARGE, _all(page, lambda row: row.id))
    return _answer(page(query.limit + 1, query.cursor), query.limit, lambda row: row.id)


def _answer(rows: Rows, limit: int, cursor: Callable[[Any], str]) -> Response:
    shown = rows[:limit]
    return json_response(
        {
            "data": [dict(row._mapping) for row in shown],  # noqa: SLF001 - SQLAlchemy's public name for it
            "next_cursor": cursor(shown[-1]) if len(rows) > limit else None,
        }
    )


def _all(page: Callable[[int, Any], Rows], place_of: Callable[[Any], Any]) -> Iterator[Rows]:
    """Every page, each on a connection of its own: a slow download holds none."""
    place = None
    while True:
        rows = page(_PAGE, place)
        yield rows
        if len(rows) < _PAGE:
            return
        place = place_of(rows[-1])


class _DayTotals:
    """Sums of the days that pass by, drawn as a chart at the end."""

    def __init__(self) -> None:
        self._totals: dict[dt.date, Decimal] = {}

    def watch(self, pages: Iterator[Rows]) -> Iterator[Rows]:
        for rows in pages:
            for row in rows:
                day = row.transaction_date
                if day in self._totals or len(self._totals) < _CHARTED_DAYS:
                    self._totals[day] = self._totals.get(day, Decimal(0)) + row.total_amount
            yield rows

    def draw(self, book: Any) -> None:
        sheet = book.add_worksheet("By day")
        day_format, money = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "#,##0.00"})
        sheet.write_row(0, 0, ("transaction_date", "total_amount"))
        for row, (day, total) in enumerate(sorted(self._totals.items()), start=1):
            sheet.write_datetime(row, 0, day, day_format)
            sheet.write_number(row, 1, total, money)
        last = max(len(self._totals), 1)
        chart = book.add_chart({"type": "line"})
        chart.add_series(
            {"name": "Total", "categories": ["By day", 1, 0, last, 0], "values": ["By day", 1, 1, last, 1]}
        )
        chart.set_title({"name": "Paid and refunded by day"})
        chart.set_x_axis({"date_axis": True, "num_format": "yyyy-mm-dd"})
        sheet.insert_chart("D2", chart, {"x_scale": 2, "y_scale": 1.5})
