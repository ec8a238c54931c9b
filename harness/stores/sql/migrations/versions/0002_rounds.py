"""Rounds of a run, and of its attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """What was there before belongs to the first round."""
    for table in ("runs", "attempts"):
        op.add_column(table, sa.Column("round", sa.Integer(), nullable=False, server_default="0"))
