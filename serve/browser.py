"""Which Chromium the tests use."""

from pathlib import Path

from harness.settings import Settings


def browser(settings: Settings) -> str | None:
    """The setting's, else the one that was found at installation, else none."""
    if settings.browser:
        return settings.browser
    note = Path(__file__).resolve().parent.parent / ".venv" / "ath-browser"
    return (note.read_text().strip() or None) if note.is_file() else None
