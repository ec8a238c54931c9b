"""Alembic's entry: migrates over the connection it is given, inside that one's transaction."""

from alembic import context
from sqlalchemy import Connection

from harness.stores.sql.tables import METADATA

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
