"""One HTTP client per test."""


class HttpSession:
    """Placeholder."""
