"""What the last sync saw of the outside API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_pages",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("page_size", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "page_size", "start", name=op.f("pk_sync_pages")),
    )


def downgrade() -> None:
    op.drop_table("sync_pages")
