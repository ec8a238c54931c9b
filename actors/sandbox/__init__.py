"""Isolated environments: the process tier."""
