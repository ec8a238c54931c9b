"""Use cases over ports: what the platform does, without saying with what."""
