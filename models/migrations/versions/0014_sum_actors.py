"""Who added to a sum, or reset it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("running_sum_entries", sa.Column("actor", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("running_sum_entries", "actor")
