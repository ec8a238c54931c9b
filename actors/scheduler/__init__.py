"""The scheduler as a service: loops around the decisions, and its Ray actor."""
