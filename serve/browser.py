"""Which Chromium the tests use."""

from pathlib import Path

from harness.domain.browser import BrowserChoice
from harness.settings import Settings


def browser(settings: Settings) -> BrowserChoice | None:
    """The setting's, else what was found at installation, else none.

    The note has one path a line: what headless tests use, then what `--headed` needs.
    """
    pool = settings.browsers >= 0
    if settings.browser:
        return BrowserChoice(settings.browser, settings.browser, named=True, pool=pool)
    note = Path(__file__).resolve().parent.parent / ".venv" / "ath-browser"
    paths = note.read_text().split("\n") if note.is_file() else []
    found = [path.strip() for path in paths if path.strip()]
    return BrowserChoice(found[0], found[-1], pool=pool) if found else None
