"""Suites fetched from elsewhere."""
