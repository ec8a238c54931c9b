"""Adapters of the store ports; the only home of database drivers."""
