"""The rollups say exactly what the orders say, whoever wrote them, however, and how many at once."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models import order, order_analytics
from models.order import OrderStatus

STATUSES = [str(status) for status in OrderStatus]
BY_HOUR = """
SELECT date_trunc('hour', created_at, 'UTC') AS hour, status, count(*) AS order_count, sum(amount) AS total_amount
FROM orders GROUP BY 1, 2 ORDER BY 1, 2
"""
BY_CUSTOMER = """
SELECT customer_id, count(*) AS order_count, sum(amount) AS total_spend FROM orders GROUP BY 1 ORDER BY 1
"""


@pytest.fixture
def orders(db):
    with db.connect() as connection:
        connection.execute(text("TRUNCATE orders"))
    yield db
    with db.connect() as connection:
        connection.execute(text("TRUNCATE orders"))


def assert_exact(db) -> None:
    with db.transaction() as connection:
        hours = connection.execute(
            text(
                "SELECT hour, status, sum(order_count), sum(total_amount) FROM order_status_hours"
                " GROUP BY 1, 2 HAVING sum(order_count) <> 0 ORDER BY 1, 2"
            )
        )
        assert hours.all() == connection.execute(text(BY_HOUR)).all()
        spend = connection.execute(
            text("SELECT customer_id, order_count, total_spend FROM customer_spend WHERE order_count <> 0 ORDER BY 1")
        )
        assert spend.all() == connection.execute(text(BY_CUSTOMER)).all()


def insert(connection, rows) -> None:
    connection.execute(
        text("INSERT INTO orders (customer_id, amount, status, created_at) VALUES (:customer, :amount, :status, :at)"),
        rows,
    )


def some_orders(count: int, *, customers: int = 20, days: int = 40, seed: int = 7) -> list[dict[str, object]]:
    chance, end = random.Random(seed), datetime.now(UTC)
    return [
        {
            "customer": chance.randrange(customers),
            "amount": Decimal(chance.randrange(0, 100_000_00)) / 100,
            "status": chance.choice(STATUSES),
            "at": end - timedelta(seconds=chance.random() * 86400 * days),
        }
        for _ in range(count)
    ]


operations = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.integers(1, 30), st.integers()),
        st.tuples(st.just("delete"), st.integers(0, 6), st.just(0)),
        st.tuples(st.just("amount"), st.integers(0, 6), st.integers(-3, 3)),
        st.tuples(st.just("status"), st.integers(0, 6), st.integers(0, 2)),
        st.tuples(st.just("move"), st.integers(0, 6), st.integers(0, 6)),
        st.tuples(st.just("rollback"), st.integers(1, 5), st.integers()),
        st.tuples(st.just("truncate"), st.just(0), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations)
def test_any_history_of_changes_leaves_them_exact(orders, history):
    with orders.connect() as connection:
        connection.execute(text("TRUNCATE orders"))
    for operation, first, second in history:
        with orders.connect() as connection:
            match operation:
                case "insert":
                    insert(connection, some_orders(first, customers=7, seed=second))
                case "delete":
                    connection.execute(text("DELETE FROM orders WHERE customer_id = :c"), {"c": first})
                case "amount":
                    statement = "UPDATE orders SET amount = amount * :f WHERE customer_id = :c AND abs(amount) < 10000"
                    connection.execute(text(statement), {"c": first, "f": second})
                case "status":
                    statement = "UPDATE orders SET status = :s, created_at = created_at - interval '1h' "
                    connection.execute(text(statement + "WHERE customer_id = :c"), {"c": first, "s": STATUSES[second]})
                case "move":
                    statement = "UPDATE orders SET customer_id = :to WHERE customer_id = :c"
                    connection.execute(text(statement), {"c": first, "to": second})
                case "truncate":
                    connection.execute(text("TRUNCATE orders"))
                case "rollback":
                    pass
        if operation == "rollback":
            with pytest.raises(ZeroDivisionError), orders.transaction() as connection:  # noqa: PT012
                insert(connection, some_orders(first, seed=second))
                raise ZeroDivisionError
    assert_exact(orders)
    with orders.connect() as connection:
        assert order_analytics.top_customers(connection, limit=5, days=None) == top_by_hand(connection, 5)


def top_by_hand(connection, limit):
    statement = (
        "SELECT customer_id, sum(amount), count(*) FROM orders GROUP BY 1 "
        "ORDER BY sum(amount) DESC, customer_id LIMIT :limit"
    )
    return connection.execute(text(statement), {"limit": limit}).all()


def test_many_writers_at_once_leave_them_exact_and_never_wait_in_a_circle(orders):
    """Batches in different orders of customers: unsorted locking would deadlock here."""
    failures: list[BaseException] = []

    def write(seed: int) -> None:
        try:
            for batch in range(12):
                rows = some_orders(40, customers=10, days=1, seed=seed * 100 + batch)
                with orders.transaction() as connection:
                    values = ", ".join(f"({r['customer']}, {r['amount']}, '{r['status']}', '{r['at']}')" for r in rows)
                    connection.execute(
                        text(f"INSERT INTO orders (customer_id, amount, status, created_at) VALUES {values}")
                    )
        except Exception as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert_exact(orders)
    with orders.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar_one() == 4 * 12 * 40


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns"])
def test_a_session_in_another_time_zone_counts_into_the_same_hours(orders, zone):
    with orders.transaction() as connection:
        connection.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
        insert(connection, some_orders(50))
    assert_exact(orders)


@pytest.mark.parametrize("limit", [1, 5, 40, 400])
@pytest.mark.parametrize("shape", ["random", "all_alike", "one_giant"])
def test_the_first_customers_are_the_right_ones(orders, limit, shape):
    rows = some_orders(3000, customers=300)
    for row in rows:
        if shape == "all_alike":
            row["amount"] = Decimal("10.00")
    if shape == "one_giant":
        rows += [{**rows[0], "customer": 999, "amount": Decimal("99999999.99")}] * 3
    with orders.connect() as connection:
        insert(connection, rows)
        # Let some fall far below the bound they once had.
        connection.execute(text("DELETE FROM orders WHERE customer_id % 7 = 0 AND id % 3 <> 0"))
        assert order_analytics.top_customers(connection, limit=limit, days=None) == top_by_hand(connection, limit)


@pytest.mark.parametrize("days", [1, 7, 30, 366])
def test_orders_by_status_agree_with_the_orders_to_the_microsecond(orders, days):
    """Many orders lie around both ends of the period, whatever minute of the hour it is."""
    with orders.connect() as connection:
        insert(connection, some_orders(2000, days=40))
        edge = some_orders(400, days=0)
        chance = random.Random(1)
        for row in edge:
            row["at"] -= timedelta(days=days) + timedelta(seconds=chance.uniform(-4000, 4000))
        insert(connection, edge)
        later = some_orders(50, days=0)
        for row in later:
            row["at"] += timedelta(seconds=chance.uniform(60, 9000))
        insert(connection, later)
    by_hand = text(
        "SELECT status, count(*), sum(amount) FROM orders "
        "WHERE created_at BETWEEN now() - make_interval(days => :days) AND now() "
        "GROUP BY 1 ORDER BY 3 DESC, 1"
    )
    with orders.transaction() as connection:  # one now() for both
        assert order_analytics.orders_by_status(connection, days=days, customer_id=None) == (
            connection.execute(by_hand, {"days": days}).all()
        )
    assert_exact(orders)


def test_each_half_of_an_hour_takes_its_own_way_to_the_edge(orders):
    """The statement adds or takes away depending on the minute; both ways must agree, so both minutes are tried."""
    statement = str(order_analytics._BY_STATUS).replace("now()", "CAST(:moment AS timestamptz)")
    hour = datetime(2026, 11, 21, 10, tzinfo=UTC)
    with orders.connect() as connection:
        rows = some_orders(500, days=0)
        chance = random.Random(3)
        for row in rows:
            row["at"] = (
                hour - timedelta(days=chance.choice([0, 0, 30])) + timedelta(seconds=chance.uniform(-7200, 7200))
            )
        insert(connection, rows)
        for minute in (0, 1, 29, 30, 31, 59):
            facts = {"moment": hour + timedelta(minutes=minute), "days": 30}
            by_hand = (
                "SELECT status, count(*), sum(amount) FROM orders WHERE created_at >= CAST(:moment AS timestamptz)"
                " - make_interval(days => :days) AND created_at <= CAST(:moment AS timestamptz)"
                " GROUP BY 1 ORDER BY 3 DESC, 1"
            )
            assert connection.execute(text(statement), facts).all() == connection.execute(text(by_hand), facts).all()


def test_one_customer_is_counted_from_the_orders(orders):
    with orders.transaction() as connection:
        insert(connection, some_orders(500))
        found = order_analytics.orders_by_status(connection, days=30, customer_id=3)
        by_hand = text(
            "SELECT status, count(*), sum(amount) FROM orders WHERE customer_id = 3 "
            "AND created_at >= now() - interval '30 days' GROUP BY 1 ORDER BY 3 DESC, 1"
        )
        assert found == connection.execute(by_hand).all()
        spent = order_analytics.top_customers(connection, limit=5, customer_id=3)
        by_hand = "SELECT customer_id, sum(amount), count(*) FROM orders WHERE customer_id = 3"
        assert spent == connection.execute(text(f"{by_hand} GROUP BY 1")).all()
        lately = order_analytics.top_customers(connection, limit=5, customer_id=3, days=7)
        by_hand += " AND created_at >= now() - interval '7 days' GROUP BY 1"
        assert lately == connection.execute(text(by_hand)).all()
        assert order_analytics.top_customers(connection, limit=5, customer_id=12345) == []


def test_an_order_added_is_counted_at_once(orders):
    with orders.connect() as connection:
        added = order.add(connection, customer_id=5, amount=Decimal("12.30"), status=OrderStatus.PAID, created_at=None)
        assert order.find(connection, added.id) == added
        assert order_analytics.orders_by_status(connection, days=30, customer_id=None) == [
            ("PAID", 1, Decimal("12.30"))
        ]
        assert order_analytics.top_customers(connection, limit=5, days=None) == [(5, Decimal("12.30"), 1)]
        assert order_analytics.top_customers(connection, limit=5, days=30) == [(5, Decimal("12.30"), 1)]


def test_the_first_customers_are_found_without_reading_them_all(orders):
    with orders.transaction() as connection:
        insert(connection, some_orders(500, customers=300))
        scans = text("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'customer_spend'")
        before = connection.execute(scans).scalar_one()
        assert len(order_analytics.top_customers(connection, limit=5)) == 5
        assert connection.execute(scans).scalar_one() == before
