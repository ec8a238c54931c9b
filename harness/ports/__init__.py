"""Protocols: what a use case needs from the outside, in domain words."""
