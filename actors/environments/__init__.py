"""Python environments of suites: built once per lock, kept per node and tenant."""
