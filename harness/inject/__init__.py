"""Holds `_ath_pytest`, the one package that is copied, alone, beside a user's suite."""
