"""What pytest reports of a test, without its secrets."""

from collections.abc import Callable

import pytest


def redact_report(report: pytest.TestReport, redact: Callable[[str], str]) -> None:
    """Replace secret values in everything that the report would show."""
    if report.longrepr is not None and not isinstance(report.longrepr, tuple):
        before = str(report.longrepr)
        after = redact(before)
        if after != before:
            report.longrepr = after
    report.sections = [(title, redact(text)) for title, text in report.sections]
    report.user_properties = [
        (name, redact(value) if isinstance(value, str) else value)
        for name, value in report.user_properties
    ]
