"""Hosts that execute attempts, one per node."""
