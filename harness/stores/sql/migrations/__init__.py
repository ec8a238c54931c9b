"""What each version changed in the tables; run by Alembic, never by hand."""
