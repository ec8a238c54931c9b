"""Links between the project's documents lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

LINK = re.compile(r"\]\(<?([^)\s>#]+)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/**/*.md")
    for path in ROOT.glob(pattern)
)


def dead_links(document: Path) -> list[str]:
    text = CODE.sub("", document.read_text(encoding="utf-8"))
    targets = (link for link in LINK.findall(text) if ":" not in link)
    return [target for target in targets if not (document.parent / target).exists()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    assert dead_links(ROOT / document) == []


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[here](page.md#top) [gone](gone.md) [far](https://example.org) `[a](b)`")
    assert dead_links(page) == ["gone.md"]
