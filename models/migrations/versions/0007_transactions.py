"""Raw and rejected transactions, companies, charges, their daily sums and view, and the runs that fill them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXTS = ("id", "name", "company_id", "amount", "status", "created_at", "paid_at")

# One statement's new and old rows are summed up once, in the order of the key, so that two statements cannot
# lock the same two sums in opposite orders.
KEEP_SUMS = """
CREATE FUNCTION keep_daily_transactions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    TRUNCATE daily_transactions;
    RETURN NULL;
  END IF;
  IF TG_OP IN ('UPDATE', 'DELETE') THEN
    UPDATE daily_transactions AS kept
       SET total_amount = kept.total_amount - gone.total, transaction_count = kept.transaction_count - gone.rows
      FROM (SELECT created_at::date AS day, company_id, sum(amount) AS total, count(*) AS rows FROM old_rows
             WHERE status IN ('paid', 'refunded') GROUP BY 1, 2 ORDER BY 1, 2) AS gone
     WHERE kept.transaction_date = gone.day AND kept.company_id = gone.company_id;
    DELETE FROM daily_transactions AS kept
     USING (SELECT DISTINCT created_at::date AS day, company_id FROM old_rows) AS gone
     WHERE kept.transaction_date = gone.day AND kept.company_id = gone.company_id AND kept.transaction_count = 0;
  END IF;
  IF TG_OP IN ('INSERT', 'UPDATE') THEN
    INSERT INTO daily_transactions AS kept (transaction_date, company_id, total_amount, transaction_count)
    SELECT created_at::date, company_id, sum(amount), count(*) FROM new_rows
     WHERE status IN ('paid', 'refunded') GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (transaction_date, company_id) DO UPDATE
       SET total_amount = kept.total_amount + excluded.total_amount,
           transaction_count = kept.transaction_count + excluded.transaction_count;
  END IF;
  RETURN NULL;
END $$
"""
# A function, because a bulk load builds a new charges table and gives it the same triggers.
WATCH_CHARGES = """
CREATE FUNCTION watch_charges(watched regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER keep_sums_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_daily_transactions()', watched);
  EXECUTE format('CREATE TRIGGER keep_sums_update AFTER UPDATE ON %s
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_daily_transactions()', watched);
  EXECUTE format('CREATE TRIGGER keep_sums_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_daily_transactions()', watched);
  EXECUTE format('CREATE TRIGGER keep_sums_truncate AFTER TRUNCATE ON %s
    FOR EACH STATEMENT EXECUTE FUNCTION keep_daily_transactions()', watched);
END $$
"""
VIEW = """
CREATE VIEW daily_transaction_summary AS
SELECT kept.transaction_date, companies.company_name, kept.company_id, kept.total_amount, kept.transaction_count
  FROM daily_transactions AS kept JOIN companies USING (company_id)
 ORDER BY kept.transaction_date DESC, kept.total_amount DESC, kept.company_id
"""


def _key() -> sa.String:
    return sa.String(24, collation="C")


def upgrade() -> None:
    op.execute("CREATE SCHEMA etl_loads")
    op.create_table(
        "etl_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("load_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stages", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("raw_rows", sa.BigInteger(), nullable=True),
        sa.Column("charges_added", sa.BigInteger(), nullable=True),
        sa.Column("rows_rejected", sa.BigInteger(), nullable=True),
        sa.Column("rows_known", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_runs")),
        sa.UniqueConstraint("load_id", name=op.f("uq_etl_runs_load_id")),
    )
    op.create_index(
        "uq_etl_runs_key_alive",
        "etl_runs",
        ["key"],
        unique=True,
        postgresql_where=sa.text("status IN ('open', 'published')"),
    )
    op.create_index("ix_etl_runs_file", "etl_runs", ["file_sha256"])
    for name, last in (
        (
            "raw_transactions",
            [
                sa.Column("problem", sa.Text(), nullable=True),
                sa.Column("record", sa.LargeBinary(), nullable=True),
            ],
        ),
        ("rejected_transactions", [sa.Column("reasons", sa.ARRAY(sa.Text()), nullable=False)]),
    ):
        op.create_table(
            name,
            sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
            *(sa.Column(column, sa.Text(), nullable=True) for column in TEXTS),
            *last,
            sa.PrimaryKeyConstraint("load_id", "line", name=op.f(f"pk_{name}")),
        )
    op.create_table(
        "companies",
        sa.Column("company_id", _key(), nullable=False),
        sa.Column("company_name", sa.String(130), nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.Column("full_id", sa.String(collation="C"), nullable=True),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_companies")),
    )
    op.create_table(
        "charges",
        sa.Column("id", _key(), nullable=False),
        sa.Column("company_id", _key(), nullable=False),
        sa.Column("amount", sa.Numeric(16, 2), nullable=False),
        sa.Column("status", sa.String(30, collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charges")),
        sa.ForeignKeyConstraint(["company_id"], ["companies.company_id"], name=op.f("fk_charges_company_id")),
    )
    op.create_table(
        "daily_transactions",
        sa.Column("transaction_date", sa.Date(), nullable=False),
        sa.Column("company_id", _key(), nullable=False),
        sa.Column("total_amount", sa.Numeric(24, 2), nullable=False),
        sa.Column("transaction_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_date", "company_id", name=op.f("pk_daily_transactions")),
    )
    op.create_index(
        "ix_daily_transactions_shown",
        "daily_transactions",
        [sa.text("transaction_date DESC"), sa.text("total_amount DESC"), "company_id"],
    )
    op.execute(KEEP_SUMS)
    op.execute(WATCH_CHARGES)
    op.execute("SELECT watch_charges('charges')")
    op.execute(VIEW)


def downgrade() -> None:
    op.execute("DROP VIEW daily_transaction_summary")
    op.drop_table("daily_transactions")
    op.drop_table("charges")
    op.execute("DROP FUNCTION watch_charges(regclass)")
    op.execute("DROP FUNCTION keep_daily_transactions()")
    op.drop_table("companies")
    op.drop_table("rejected_transactions")
    op.execute("DROP TABLE raw_transactions CASCADE")  # with the tables of big loads, which inherit from it
    op.drop_table("etl_runs")
    op.execute("DROP SCHEMA etl_loads CASCADE")
