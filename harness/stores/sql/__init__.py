"""The record store over SQL: one code base for SQLite and PostgreSQL."""
