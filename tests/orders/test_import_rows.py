"""A row is an order or says everything that is wrong with it; nothing is guessed, nothing rounded."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.workbook.cells import CellKind, CellValue
from core.workbook.text_cells import text_value
from tasks.orders_import.rows import OrderRow, RowReader

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GOOD = {"customer_id": "7", "amount": "12.30", "status": "PAID", "created_at": "2026-05-21T10:30:00Z"}


def read(*, is_1904=False, **changes):
    texts = {**GOOD, **changes}
    cells = {
        name: value if isinstance(value, CellValue) else text_value(value) for name, value in texts.items() if value
    }
    return RowReader(NOW, is_1904).read(2, {name: cell for name, cell in cells.items() if cell is not None})


def test_a_good_row_is_an_order():
    moment = datetime(2026, 5, 21, 10, 30, tzinfo=UTC)
    assert read() == OrderRow(2, None, 7, Decimal("12.30"), "PAID", moment)
    assert read(id="5").id == 5


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("amount", "12.345", "more than two decimals"),
        ("amount", "-1", "not between 0 and"),
        ("amount", "100000000", "not between 0 and"),
        ("amount", "3.0e34", "not a usable number"),
        ("amount", "1e999999999", "not a usable number"),
        ("amount", "1,234.50", "not a usable number"),
        ("amount", "12.30 EUR", "not a usable number"),
        ("amount", "", "is missing"),
        ("customer_id", "7.5", "not a whole number"),
        ("customer_id", "0", "not between 1 and"),
        ("customer_id", "9223372036854775808", "not"),
        ("customer_id", "seven", "not a usable number"),
        ("id", "1000000000000001", "not between 1 and"),
        ("status", "PAYED", "none of PENDING, PAID, CANCELLED"),
        ("created_at", "2026-02-30", "not in the calendar"),
        ("created_at", "21.05.2026", "no date like"),
        ("created_at", "2026-11-22", "in the future"),
        ("created_at", "0001-01-01T00:00:00+23:00", "not in the calendar"),
        ("created_at", "20261301", "not in the calendar"),
        ("created_at", "-5", "no date"),
        ("created_at", "TRUE", "no date"),
    ],
)
def test_a_bad_value_says_why(column, text, reason):
    (said,) = read(**{column: text})
    assert said.startswith(f"{column} ")
    assert reason in said


def test_all_reasons_are_told_at_once():
    assert len(read(amount="x", status="y", created_at="z", customer_id="")) == 4


@pytest.mark.parametrize("status", [" paid ", "Paid", "PAID"])
def test_statuses_are_trimmed_and_upper_cased_and_no_more(status):
    assert read(status=status).status == "PAID"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-21", datetime(2026, 5, 21, tzinfo=UTC)),
        ("20260521", datetime(2026, 5, 21, tzinfo=UTC)),
        ("2026-05-21 10:30", datetime(2026, 5, 21, 10, 30, tzinfo=UTC)),
        ("2026-05-21T10:30:00+02:00", datetime(2026, 5, 21, 8, 30, tzinfo=UTC)),
        ("2026-05-21 10:30:00.25 Z", datetime(2026, 5, 21, 10, 30, 0, 250_000, tzinfo=UTC)),
        ("46163", datetime(2026, 5, 21, tzinfo=UTC)),
        ("46163.4375", datetime(2026, 5, 21, 10, 30, tzinfo=UTC)),
    ],
)
def test_dates_as_people_and_workbooks_write_them(text, moment):
    assert read(created_at=text).created_at == moment


def test_a_workbook_may_count_from_1904():
    assert read(created_at="44701", is_1904=True).created_at == datetime(2026, 5, 21, tzinfo=UTC)


def test_errors_and_truth_values_are_no_amounts():
    for cell in (CellValue(CellKind.ERROR, text="#REF!"), CellValue(CellKind.BOOLEAN, 1)):
        (said,) = read(amount=cell)
        assert "not a usable number" in said
