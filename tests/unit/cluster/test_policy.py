"""`ath policy` checks documents and says what they allow together."""

import json
from pathlib import Path

import pytest

from cluster.cli.policy import check, explain
from harness.domain.exit_code import ExitCode
from harness.errors import InvalidInput

TENANT = "network: {allow: [{host: '*.example.com'}]}\nmodels: ['*']\nbudget: {tokens: 9}\n"
AGENT = "network: {allow: [{host: api.example.com, methods: [GET]}, {host: b.org}]}\nmodels: [a]\n"


def files(folder: Path) -> list[Path]:
    (folder / "tenant.yaml").write_text(TENANT)
    (folder / "agent.yaml").write_text(AGENT)
    return [folder / "tenant.yaml", folder / "agent.yaml"]


def test_documents_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("networks: {}\n")
    assert check(files(tmp_path)) is ExitCode.PASSED
    assert check([wrong]) is ExitCode.USAGE
    told = capsys.readouterr()
    assert "wrong.yaml:1:1: networks: unknown key; did you mean `network`?" in told.out.replace(
        "\n", ""
    ).replace("? ", "?")
    assert "1 file, 1 with mistakes" in told.err


def test_what_documents_allow_together_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(files(tmp_path)) is ExitCode.PASSED
    shown = json.loads(capsys.readouterr().out)
    assert shown["network"]["allow"] == [
        {"host": "api.example.com", "ports": [80, 443], "methods": ["GET"], "private": []}
    ]
    assert (shown["models"], shown["budget"]) == (["a"], {"tokens": 9})


@pytest.mark.parametrize(
    ("question", "code", "words"),
    [
        ({"to": "api.example.com"}, ExitCode.PASSED, "is allowed (as requests that can be read)"),
        ({"to": "api.example.com:443", "method": "GET"}, ExitCode.PASSED, "is allowed"),
        ({"to": "api.example.com", "method": "PUT"}, ExitCode.FAILED, "allows only GET"),
        ({"to": "b.org"}, ExitCode.FAILED, "does not name this host"),
        ({"model": "a"}, ExitCode.PASSED, "The model a is allowed"),
        ({"model": "b", "tool": "c"}, ExitCode.FAILED, "The tool 'c' is refused"),
    ],
)
def test_questions_are_answered(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    question: dict[str, str],
    code: ExitCode,
    words: str,
) -> None:
    assert explain(files(tmp_path), **question) is code  # type: ignore[arg-type]  # of texts
    assert words in " ".join(capsys.readouterr().err.split())


def test_a_broken_document_explains_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("[]")
    with pytest.raises(InvalidInput, match="a policy is a mapping"):
        explain([tmp_path / "x.yaml"])
