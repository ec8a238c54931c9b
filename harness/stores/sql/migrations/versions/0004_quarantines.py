"""Tests that decide nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """No test is quarantined yet."""
    op.add_column("tests", sa.Column("quarantined", sa.Text()))
    op.create_table(
        "quarantines",
        sa.Column("tenant", _KEY, nullable=False),
        sa.Column("project", _KEY, nullable=False),
        sa.Column("pattern", _KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger()),
        sa.PrimaryKeyConstraint("tenant", "project", "pattern"),
    )
