"""Adapters of the stores: the home of database drivers."""
