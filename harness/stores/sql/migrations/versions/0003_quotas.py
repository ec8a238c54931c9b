"""Limits of tenants."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """No tenant has a limit of its own yet."""
    op.create_table(
        "quotas",
        sa.Column("tenant", _KEY, primary_key=True),
        sa.Column("name", _KEY, primary_key=True),
        sa.Column("capacity", sa.BigInteger()),
    )
