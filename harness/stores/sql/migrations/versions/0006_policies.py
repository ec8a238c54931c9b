"""Policies of tenants and agents, and the model servers they may ask."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """No tenant has a document yet."""
    op.create_table(
        "policies",
        sa.Column("tenant", _KEY, nullable=False),
        sa.Column("agent", _KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.Column("policy", sa.Text()),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "agent", "number"),
    )
    op.create_table(
        "model_servers",
        sa.Column("tenant", _KEY, nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("key_secret", sa.Text(), nullable=False),
        sa.Column("prices", sa.Text(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name"),
    )
