"""Questions about many orders, answered from the rollups: exact, and as quick with fifty million as with fifty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

# Whole hours come from the rollup, their rows being exact. The hour in which the period begins is read from the
# orders, from whichever side of the beginning is shorter: the rest is added, or the part before is taken away.
# Orders dated later than now are taken away too; there should be none.
_BY_STATUS = text("""
WITH period AS (
    SELECT ends, starts, date_bin('1 hour', starts, '2000-01-01 00:00:00+00') AS hour
    FROM (SELECT now() AS ends, now() - make_interval(days => :days) AS starts) AS moments
), edge AS (
    SELECT ends, starts, hour, starts - hour > interval '30 minutes' AS is_late FROM period
), parts AS (
    SELECT status, order_count, total_amount FROM order_status_hours
    WHERE hour >= (SELECT CASE WHEN is_late THEN hour + interval '1 hour' ELSE hour END FROM edge)
      AND hour <= (SELECT ends FROM edge)
    UNION ALL
    SELECT status, sign * count(*), sign * sum(amount) FROM (
        SELECT status, amount, CASE WHEN is_late THEN 1 ELSE -1 END AS sign FROM edge, orders
        WHERE created_at >= CASE WHEN is_late THEN starts ELSE hour END
          AND created_at < CASE WHEN is_late THEN hour + interval '1 hour' ELSE starts END
    ) AS first_hour GROUP BY status, sign
    UNION ALL
    SELECT status, -count(*), -sum(amount) FROM edge, orders
    WHERE created_at > ends
      AND created_at < date_bin('1 hour', ends, '2000-01-01 00:00:00+00') + interval '1 hour'
    GROUP BY status
)
SELECT status, sum(order_count)::bigint AS order_count, sum(total_amount)::numeric(24, 2) AS total_amount
FROM parts GROUP BY status HAVING sum(order_count) <> 0 ORDER BY total_amount DESC, status
""")

_BY_STATUS_OF_CUSTOMER = text("""
SELECT status, count(*) AS order_count, sum(amount)::numeric(24, 2) AS total_amount FROM orders
WHERE customer_id = :customer_id AND created_at >= now() - make_interval(days => :days) AND created_at <= now()
GROUP BY status ORDER BY total_amount DESC, status
""")

_TOP = text("SELECT customer_id, total_spend, order_count FROM top_customers(:limit)")

_TOP_IN_PERIOD = text("""
SELECT customer_id, sum(amount)::numeric(24, 2) AS total_spend, count(*) AS order_count FROM orders
WHERE created_at >= now() - make_interval(days => :days) AND created_at <= now()
GROUP BY customer_id ORDER BY total_spend DESC, customer_id LIMIT :limit
""")

_OF_CUSTOMER_IN_PERIOD = text("""
SELECT customer_id, sum(amount)::numeric(24, 2) AS total_spend, count(*) AS order_count FROM orders
WHERE customer_id = :customer_id AND created_at >= now() - make_interval(days => :days) AND created_at <= now()
GROUP BY customer_id
""")

_OF_CUSTOMER = text("""
SELECT customer_id, total_spend, order_count FROM customer_spend
WHERE customer_id = :customer_id AND order_count > 0
""")


def orders_by_status(connection: Connection, *, days: int, customer_id: int | None) -> Sequence[Row[Any]]:
    """Count and sum by status, highest sum first, of orders at most so many days old, to the microsecond."""
    if customer_id is not None:
        return connection.execute(_BY_STATUS_OF_CUSTOMER, {"days": days, "customer_id": customer_id}).all()
    return connection.execute(_BY_STATUS, {"days": days}).all()


def top_customers(
    connection: Connection, *, limit: int, days: int | None = None, customer_id: int | None = None
) -> Sequence[Row[Any]]:
    """Who spent most, all statuses counted. With a period the orders in it are read: that takes time with their
    number, where the whole history does not.
    """
    facts = {"limit": limit, "days": days, "customer_id": customer_id}
    if customer_id is not None:
        statement = _OF_CUSTOMER if days is None else _OF_CUSTOMER_IN_PERIOD
    else:
        statement = _TOP if days is None else _TOP_IN_PERIOD
    return connection.execute(statement, facts).all()
