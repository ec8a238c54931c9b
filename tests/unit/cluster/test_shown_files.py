"""Files and programs that the pages show are read, or at least compiled, by what they are for."""

import ast
from pathlib import Path

import pytest

from actors.broker.policy_document import read_policy
from cluster.cli.suite_folder import find_suite
from tests.support.pages import PAGES, blocks

POLICIES = [text for page in PAGES if page.name == "policies.md" for text in blocks(page, "yaml")]
CONFIGURATIONS = [text for page in PAGES for text in blocks(page, "toml")]
PROGRAMS = [text for page in PAGES for text in blocks(page, "python")]


@pytest.mark.parametrize("text", POLICIES)
def test_shown_policy_is_one(text: str) -> None:
    assert read_policy("shown", text.encode()).version


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_shown_configuration_is_read(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ath.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert find_suite(Path.cwd()).root == tmp_path


@pytest.mark.parametrize("text", PROGRAMS)
def test_shown_program_compiles(text: str) -> None:
    compile(text, "shown", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_something_is_shown() -> None:
    assert POLICIES
    assert CONFIGURATIONS
    assert len(PROGRAMS) > 3
