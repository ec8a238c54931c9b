"""Batch work over recorded runs: pure functions, and their Ray Data jobs."""
