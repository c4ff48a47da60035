"""Orders, and the triggers that keep two exact rollups of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Which rows a statement added to the orders and which it took away, and what they come to.
_CHANGED = "SELECT customer_id, status, created_at, amount, {sign} AS sign FROM {table}"
_ADDED, _REMOVED = _CHANGED.format(sign=1, table="added"), _CHANGED.format(sign=-1, table="removed")
_CHANGES = {
    "insert": "added",
    "delete": "removed",
    "update": f"({_ADDED} UNION ALL {_REMOVED}) AS changes",
}
_COUNT_AND_SUM = {
    "insert": "count(*), sum(amount)",
    "delete": "-count(*), -sum(amount)",
    "update": "sum(sign), sum(sign * amount)",
}
_TABLES = {
    "insert": "NEW TABLE AS added",
    "delete": "OLD TABLE AS removed",
    "update": "NEW TABLE AS added OLD TABLE AS removed",
}

# A bound with room above the total, so that most orders need not move it; the room shrinks as customers get more
# alike, which keeps the number of rows that may be among the first few small.
_BOUND = """
CREATE FUNCTION customer_spend_bound(total numeric, orders bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT total + trunc((greatest(total, 0)::float8 / (2 * sqrt(greatest(orders, 1))))::numeric)
$$
"""

# Both are sorted, so that two statements lock the same rows in the same order and never wait for each other in a
# circle. The running hour, which everybody wants, comes last and is held for the commit alone; and it has four rows
# for as many sessions, because waiting for another session's commit cost two thirds of the inserts of eight.
_ROLL_UP = """
CREATE FUNCTION orders_{operation}_roll_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customer_spend AS known (customer_id, order_count, total_spend, at_most)
    SELECT customer_id, orders, total, total
    FROM (SELECT customer_id, {count_and_sum} FROM {changes} GROUP BY customer_id) AS sums (customer_id, orders, total)
    WHERE orders <> 0 OR total <> 0
    ORDER BY customer_id
    ON CONFLICT (customer_id) DO UPDATE SET
        order_count = known.order_count + excluded.order_count,
        total_spend = known.total_spend + excluded.total_spend,
        at_most = CASE
            WHEN known.total_spend + excluded.total_spend BETWEEN known.at_most / 2 AND known.at_most
            THEN known.at_most
            ELSE customer_spend_bound(
                known.total_spend + excluded.total_spend, known.order_count + excluded.order_count)
        END;

    INSERT INTO order_status_hours AS known (hour, status, slot, order_count, total_amount)
    SELECT hour, status, pg_backend_pid() % 4, orders, total
    FROM (
        SELECT date_bin('1 hour', created_at, '2000-01-01 00:00:00+00'), status, {count_and_sum}
        FROM {changes} GROUP BY 1, 2
    ) AS sums (hour, status, orders, total)
    WHERE orders <> 0 OR total <> 0
    ORDER BY hour, status
    ON CONFLICT (hour, status, slot) DO UPDATE SET
        order_count = known.order_count + excluded.order_count,
        total_amount = known.total_amount + excluded.total_amount;
    RETURN NULL;
END
$$
"""

_TRIGGER = """
CREATE TRIGGER roll_up_{operation} AFTER {operation} ON orders
REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION orders_{operation}_roll_up()
"""

_EMPTY = """
CREATE FUNCTION orders_truncate_roll_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE customer_spend, order_status_hours;
    RETURN NULL;
END
$$
"""

_EMPTY_TRIGGER = """
CREATE TRIGGER roll_up_truncate AFTER TRUNCATE ON orders
FOR EACH STATEMENT EXECUTE FUNCTION orders_truncate_roll_up()
"""


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(10, 2), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('PENDING', 'PAID', 'CANCELLED')", name=op.f("ck_orders_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_created_at", "orders", ["created_at"], postgresql_include=["status", "amount"])
    op.create_index(
        "ix_orders_customer_id_created_at",
        "orders",
        ["customer_id", "created_at"],
        postgresql_include=["status", "amount"],
    )
    op.create_table(
        "order_status_hours",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("order_count", sa.BigInteger(), nullable=False),
        sa.Column("total_amount", sa.Numeric(24, 2), nullable=False),
        sa.PrimaryKeyConstraint("hour", "status", "slot", name=op.f("pk_order_status_hours")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "customer_spend",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_count", sa.BigInteger(), nullable=False),
        sa.Column("total_spend", sa.Numeric(24, 2), nullable=False),
        sa.Column("at_most", sa.Numeric(24, 2), nullable=False),
        sa.CheckConstraint("at_most >= total_spend", name=op.f("ck_customer_spend_at_most")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_spend")),
        postgresql_with={"fillfactor": "60"},
    )
    op.create_index("ix_customer_spend_at_most", "customer_spend", ["at_most"])
    op.execute(_BOUND)
    for operation, changes in _CHANGES.items():
        count_and_sum = _COUNT_AND_SUM[operation]
        op.execute(_ROLL_UP.format(operation=operation, changes=changes, count_and_sum=count_and_sum))
        op.execute(_TRIGGER.format(operation=operation, tables=_TABLES[operation]))
    op.execute(_EMPTY)
    op.execute(_EMPTY_TRIGGER)


def downgrade() -> None:
    op.drop_table("customer_spend")
    op.drop_table("order_status_hours")
    op.drop_table("orders")
    for operation in (*_CHANGES, "truncate"):
        op.execute(f"DROP FUNCTION orders_{operation}_roll_up()")
    op.execute("DROP FUNCTION customer_spend_bound(numeric, bigint)")
