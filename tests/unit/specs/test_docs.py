"""What the documentation shows is a spec."""

import re
from textwrap import indent

import pytest
import yaml
from jsonschema import Draft202012Validator

from actors.specs.loader import load
from actors.specs.schema import json_schema
from tests.architecture.source import ROOT

PAGES = [ROOT / "docs" / f"{name}.md" for name in ("specs", "agents", "goals")]
BLOCK = re.compile(r"^```(yaml(?: step)?)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPECS = sorted(ROOT.glob("examples/**/*.ath.yaml"))


def whole(kind: str, text: str) -> str:
    """The block as a spec of its own."""
    if kind == "yaml":
        return text
    return f"tests:\n  - id: shown\n    steps:\n{indent(text, '      ')}"


TEXTS = [
    whole(kind, text) for page in PAGES for kind, text in BLOCK.findall(page.read_text("utf-8"))
]


@pytest.mark.parametrize("text", [*TEXTS, *(path.read_text("utf-8") for path in SPECS)])
def test_shown_spec_is_valid(text: str) -> None:
    load("shown", text.encode())
    wrong = Draft202012Validator(json_schema()).iter_errors(yaml.safe_load(text))
    assert [error.json_path for error in wrong] == []


def test_there_is_something_shown() -> None:
    assert len(TEXTS) == 9
    assert SPECS
