"""Validation of data sets larger than memory against declared rules or a Pandera schema."""
