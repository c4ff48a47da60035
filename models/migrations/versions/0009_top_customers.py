"""The function that finds the customers who spent most by looking at very few of them."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# The customers with the highest bounds are looked at first; the worst total that would still win among them is a
# floor, and nobody whose bound lies below it can win. Both looks are of one moment, because the function is stable.
# Without these two settings the planner, which cannot know how few lie above the floor, would read the whole table.
_FUNCTION = """
CREATE FUNCTION top_customers(wanted integer)
RETURNS TABLE (customer_id bigint, total_spend numeric, order_count bigint)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    the_floor numeric;
BEGIN
    SELECT likely.total_spend INTO the_floor FROM (
        SELECT known.total_spend FROM customer_spend AS known
        WHERE known.order_count > 0 ORDER BY known.at_most DESC LIMIT wanted + 100
    ) AS likely ORDER BY likely.total_spend DESC OFFSET wanted - 1 LIMIT 1;

    RETURN QUERY SELECT known.customer_id, known.total_spend, known.order_count FROM customer_spend AS known
    WHERE known.order_count > 0 AND known.at_most >= coalesce(the_floor, '-Infinity')
    ORDER BY known.total_spend DESC, known.customer_id LIMIT wanted;
END
$$
"""


def upgrade() -> None:
    op.execute(_FUNCTION)


def downgrade() -> None:
    op.execute("DROP FUNCTION top_customers(integer)")
