"""Secrets, encrypted."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """One table."""
    op.create_table(
        "secrets",
        *(sa.Column(name, _KEY, nullable=False) for name in ("tenant", "project", "name")),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "project", "name"),
    )
