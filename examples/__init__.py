"""Suites that show the platform on real software."""
