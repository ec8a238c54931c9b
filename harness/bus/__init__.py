"""Adapters of the bus: the home of Kafka drivers."""
