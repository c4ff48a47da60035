"""Orders over HTTP: exact amounts in, exact analytics out."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest


def exact(answer):
    """The body with its numbers as they are written."""
    return json.loads(answer.text, parse_float=Decimal)


@pytest.fixture
def customer():
    """Somebody no other test knows."""
    return uuid.uuid4().int >> 70


@pytest.fixture
def add(http, customer):
    def make(amount="10.00", **facts):
        answer = http.post("/api/v1/orders", json={"customer_id": customer, "amount": amount, **facts})
        assert answer.status_code == 201, answer.text
        return exact(answer)

    return make


def test_an_order_is_added_and_read(http, add, customer):
    made = add(12.3, status="PAID")
    assert made["amount"] == Decimal("12.30")
    assert made["status"] == "PAID"
    assert exact(http.get(f"/api/v1/orders/{made['id']}")) == made
    listed = exact(http.get("/api/v1/orders", params={"customer_id": customer}))
    assert listed == {"data": [made], "next_cursor": None}
    assert http.get("/api/v1/orders/-1").status_code == 404


@pytest.mark.parametrize("sent", [99999999.99, "99999999.99", 0, 1, "0.10", 1e3])
def test_amounts_keep_every_cent(add, sent):
    assert add(sent)["amount"] == Decimal(str(sent)).quantize(Decimal("0.01"))


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0.001},
        {"amount": 100_000_000},
        {"amount": -1},
        {"amount": True},
        {"amount": "ten"},
        {"amount": "NaN"},
        {"amount": None},
        {"customer_id": "7"},
        {"customer_id": True},
        {"customer_id": 0},
        {"customer_id": 2**63},
        {"status": "paid"},
        {"created_at": "2026-11-21T10:00:00"},
        {"created_at": "2126-11-21T10:00:00Z"},
        {"surprise": 1},
    ],
)
def test_what_is_no_order_is_422(http, change):
    assert http.post("/api/v1/orders", json={"customer_id": 1, "amount": 1} | change).status_code == 422


def test_a_repeated_post_with_a_key_adds_once(http, customer):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    for _ in range(3):
        http.post("/api/v1/orders", json={"customer_id": customer, "amount": 5}, headers=key)
    found = http.get("/api/v1/analytics/customers/top", params={"customer_id": customer})
    assert exact(found)["data"] == [{"customer_id": customer, "total_spend": Decimal("5.00"), "order_count": 1}]


def test_pages_join_without_a_gap(http, add, customer):
    made = [add()["id"] for _ in range(5)]
    first = exact(http.get("/api/v1/orders", params={"customer_id": customer, "limit": 3}))
    query = {"customer_id": customer, "limit": 3, "cursor": first["next_cursor"]}
    second = exact(http.get("/api/v1/orders", params=query))
    assert [order["id"] for order in first["data"] + second["data"]] == made[::-1]
    assert second["next_cursor"] is None


def test_orders_by_status_of_a_customer(http, add, customer):
    for amount, status in ((0.1, "PAID"), (0.2, "PAID"), (7, "CANCELLED")):
        add(amount, status=status)
    add(1000, status="PAID", created_at=(datetime.now(UTC) - timedelta(days=31)).isoformat())
    answer = exact(http.get("/api/v1/analytics/orders/status", params={"customer_id": customer}))
    assert answer["data"] == [
        {"status": "CANCELLED", "order_count": 1, "total_amount": Decimal("7.00")},
        {"status": "PAID", "order_count": 2, "total_amount": Decimal("0.30")},
    ]
    assert answer["period"] == "last_30_days"
    assert answer["generated_at"].endswith("Z")
    query = {"customer_id": customer, "days": 60}
    assert exact(http.get("/api/v1/analytics/orders/status", params=query))["data"][0]["order_count"] == 3


def test_totals_are_written_with_two_decimals(http, add, customer):
    add(5)
    assert '"total_spend":5.00,' in http.get(f"/api/v1/analytics/customers/top?customer_id={customer}").text
    assert '"total_amount":5.00' in http.get(f"/api/v1/analytics/orders/status?customer_id={customer}").text


def test_the_top_customers_are_five_and_the_highest_first(http, add, customer):
    for _ in range(9):
        add(99999999.99, status="CANCELLED")
    answer = exact(http.get("/api/v1/analytics/customers/top"))
    assert answer["limit"] == 5
    assert len(answer["data"]) <= 5
    assert answer["data"][0] == {
        "customer_id": customer,
        "total_spend": Decimal("899999999.91"),
        "order_count": 9,
    }
    spends = [row["total_spend"] for row in answer["data"]]
    assert spends == sorted(spends, reverse=True)
    lately = exact(http.get("/api/v1/analytics/customers/top?days=1&limit=1"))
    assert lately["data"] == answer["data"][:1]
    assert lately["period"] == "last_1_days"


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1001", "days=0", "days=367", "customer_id=x"])
def test_questions_that_make_no_sense_are_422(http, query):
    assert http.get(f"/api/v1/analytics/customers/top?{query}").status_code == 422
