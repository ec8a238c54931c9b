"""`ath policy` and `ath models` against a real server."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cluster.cli.main import app
from cluster.cli.models import set_source
from harness.domain.principal import Role
from harness.errors import Conflict, Forbidden, InvalidInput, NotFound
from tests.unit.api.world import ANNA, World, add_key, make_world

BOUND = "network: {allow: [{host: '*'}]}\nmodels: ['*']\n"
OWN = "# [bold]cook's\nmodels: [m/a]\n"


class Terminal:
    """Calls `ath` as an operator, in a folder with two policies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tenant.yaml").write_text(BOUND)
        (folder / "cook.yaml").write_text(OWN)

    def file(self, name: str) -> str:
        return str(self.folder / f"{name}.yaml")

    def ath(self, *words: str) -> Result:
        result = CliRunner().invoke(app, words)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *words: str) -> object:
        return json.loads(self.ath(*words, "--json").stdout)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    world: World = make_world(tmp_path)
    key = add_key(world.services, replace(ANNA, name="olga", role=Role.OPERATOR))
    with world.serving() as url:
        monkeypatch.setenv("ATH_URL", url)
        monkeypatch.setenv("ATH_TOKEN", key)
        yield Terminal(tmp_path)


def test_a_policy_is_set_shown_listed_and_removed(terminal: Terminal) -> None:
    put = terminal.ath("policy", "set", "--agent", "cook", terminal.file("cook"))
    assert "Version 1 of the policy of agent cook holds" in put.stdout
    assert terminal.ath("policy", "show", "cook").stdout == OWN
    terminal.ath("policy", "set", "--tenant", terminal.file("tenant"))
    assert terminal.ath("policy", "show").stdout == BOUND
    listed = terminal.json("policy", "list")
    assert isinstance(listed, list)
    assert [(each["agent"], each["number"]) for each in listed] == [(None, 1), ("cook", 1)]
    assert "agent cook" in terminal.ath("policy", "list").stdout
    assert "is gone" in terminal.ath("policy", "remove", "cook").stdout
    with pytest.raises(NotFound, match="no policy of agent cook"):
        terminal.ath("policy", "show", "cook")
    assert terminal.ath("policy", "show", "cook", "--number", "1").stdout == OWN
    assert "removed" in terminal.ath("policy", "show", "cook", "--versions").stdout
    terminal.ath("policy", "remove", "--tenant")
    assert "nothing" in terminal.ath("policy", "list").stdout


def test_an_agent_is_explained(terminal: Terminal) -> None:
    terminal.ath("policy", "set", "--agent", "cook", terminal.file("cook"))
    alone = terminal.ath("policy", "explain", "cook", "--model", "m/a")
    assert (alone.exit_code, json.loads(alone.stdout)["models"]) == (1, [])
    assert "The tenant has no policy, so nothing is allowed" in alone.stderr
    terminal.ath("policy", "set", "--tenant", terminal.file("tenant"))
    both = terminal.ath("policy", "explain", "cook", "--model", "m/a", "--json")
    shown = json.loads(both.stdout)
    assert (both.exit_code, shown["models"]) == (0, ["m/a"])
    assert [each["agent"] for each in shown["documents"]] == [None, "cook"]
    assert shown["answers"] == [
        {"asked": "The model m/a", "is_allowed": True, "told": "The model m/a is allowed"}
    ]
    (terminal.folder / "narrow.yaml").write_text("models: [m/b]\n")
    narrow = terminal.ath("policy", "explain", "cook", terminal.file("narrow"), "--model", "m/a")
    assert (narrow.exit_code, json.loads(narrow.stdout)["models"]) == (1, [])
    nobody = terminal.ath("policy", "explain", "waiter", "--tool", "t")
    assert nobody.exit_code == 1
    assert "There is no policy of agent waiter" in nobody.stderr


def test_a_missing_file_is_no_agent(terminal: Terminal) -> None:
    for name in (terminal.file("none"), "none.yaml"):
        with pytest.raises(InvalidInput, match="cannot be read"):
            terminal.ath("policy", "explain", name)
    with pytest.raises(InvalidInput, match="cannot name an agent"):
        terminal.ath("policy", "explain", "a b")


def test_whose_policy_must_be_said(terminal: Terminal) -> None:
    for words in (
        ("set", terminal.file("cook")),
        ("set", "--tenant", "--agent", "cook", terminal.file("cook")),
        ("remove",),
        ("remove", "cook", "--tenant"),
    ):
        with pytest.raises(InvalidInput, match="Say whose policy"):
            terminal.ath("policy", *words)


def test_a_mistake_is_told_with_file_and_line_and_nothing_is_sent(terminal: Terminal) -> None:
    (terminal.folder / "wrong.yaml").write_text("network:\n  alow: []\n")
    with pytest.raises(InvalidInput, match=r"wrong\.yaml:2:3: network\.alow: unknown key"):
        terminal.ath("policy", "set", "--agent", "cook", terminal.file("wrong"))
    assert terminal.json("policy", "list") == []


def test_only_the_version_that_was_read_is_replaced(terminal: Terminal) -> None:
    set_cook = ("policy", "set", "--agent", "cook", "--replacing", "0")
    terminal.ath(*set_cook, terminal.file("cook"))
    with pytest.raises(Conflict, match="Version 1"):
        terminal.ath(*set_cook, terminal.file("tenant"))


def test_a_source_of_models_is_set_listed_and_removed(terminal: Terminal) -> None:
    words = ("models", "set", "one", "--base-url", "https://h.example/v1", "--key-secret", "KEY")
    put = terminal.ath(*words, "--price", "a/b=1.25,10", "--price", "c=0,0.000001")
    assert "with the secret KEY" in put.stdout
    listed = terminal.json("models", "list")
    assert isinstance(listed, list)
    assert listed[0]["prices"] == {
        "c": {"prompt": 0.0, "completion": 0.000001},
        "a/b": {"prompt": 1.25, "completion": 10.0},
    }
    assert "https://h.example/v1" in terminal.ath("models", "list").stdout
    terminal.ath("models", "remove", "one")
    assert terminal.json("models", "list") == []


@pytest.mark.parametrize(
    "price", ["m", "m=1", "m=1,x", "m=-1,0", "m=1e999999,0", "m=nan,0", "m=1e-7,0", "m=1e7,0"]
)
def test_what_is_no_price_is_refused(price: str) -> None:
    with pytest.raises(InvalidInput, match="is no"):
        set_source("one", "https://h.example", price=[price])


def test_members_set_nothing(
    terminal: Terminal, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path_factory.mktemp("other"))
    with world.serving() as url:
        monkeypatch.setenv("ATH_URL", url)
        monkeypatch.setenv("ATH_TOKEN", world.member)
        with pytest.raises(Forbidden, match="not operator"):
            terminal.ath("policy", "set", "--tenant", terminal.file("tenant"))
