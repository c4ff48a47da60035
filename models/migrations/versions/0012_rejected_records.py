"""Rejects keep the record itself where its form was broken: its fields alone cannot be mended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rejected_transactions", sa.Column("record", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("rejected_transactions", "record")
