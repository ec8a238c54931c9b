"""Adapters of the event bus; the only home of its drivers."""
