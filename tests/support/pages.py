"""Code blocks of the documentation's pages."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.architecture.source import ROOT

_BLOCK = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def blocks(page: Path, language: str) -> Sequence[str]:
    """The blocks of a language, in order."""
    text = page.read_text(encoding="utf-8")
    return [content for kind, content in _BLOCK.findall(text) if kind == language]


def commands(page: Path) -> Sequence[str]:
    """The lines of its `bash` blocks, continued ones joined, without comments."""
    lines = "".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    return [line for line in (re.sub(r"\s+#.*", "", each).strip() for each in lines) if line]
