"""Tests that Schemathesis makes of an API's own description, one for each operation."""
