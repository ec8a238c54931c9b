"""Holds the one package that travels alone into users' suites."""
