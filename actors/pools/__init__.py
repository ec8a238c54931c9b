"""Browsers that are kept warm and leased."""
