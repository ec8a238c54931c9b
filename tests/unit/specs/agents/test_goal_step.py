"""Goals in a real browser: planned, frozen, played, drifted, healed, and pages that mean harm."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.domain.script import Reply, ToolCall
from harness.settings import Settings
from serve.browser import browser as find_browser
from tests.unit.specs.agents.gateway import gateway
from tests.unit.specs.agents.shop import Shop
from tests.unit.specs.world import server

pytestmark = pytest.mark.browser

CONFTEST = """\
import json
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": %r, "args": ["--no-sandbox"]}

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        told = [report.outcome, report.longreprtext, item._ath_steps, report.user_properties]
        with open(item.name.partition("[")[0] + ".json", "w") as file:
            json.dump(told, file)
    return report
"""
RED = [{"visible": {"text": "In the cart: Red", "exact": True}}]
SAVED = [{"visible": {"text": "Saved", "exact": True}}]
CART = {"do": "Add the red shirt to the cart", "until": RED, "patience": 1.5}
NOTE = {"do": "Click Save", "until": SAVED, "patience": 1.5}
LOGIN = {
    "do": "Log in",
    "inputs": {"email": "ann@example.org", "password": "${secrets.SHOP_KEY}"},
    "until": [{"title": "Hello"}],
}
KEY = "open-sesame"


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one test."""

    outcome: str
    report: str
    steps: list[dict[str, Any]]  # Any: JSON of the steps
    properties: list[list[str]]

    @property
    def goal(self) -> dict[str, Any]:
        """The goal's step."""
        return self.steps[-1]


@dataclass(slots=True)
class Suite:
    """A folder of specs, run by pytest in a process of its own."""

    folder: Path
    env: Mapping[str, str]

    def run(
        self, goals: Mapping[str, tuple[str, Mapping[str, Any]]], **env: str
    ) -> dict[str, Told]:
        """Each goal on its page, by test id; Any: a goal as YAML holds it."""
        tests = [
            {
                "id": name,
                "steps": [
                    {"browser": {"do": [{"goto": page}]}},
                    {"id": "goal", "goal": goal, "seconds": 40},
                ],
            }
            for name, (page, goal) in goals.items()
        ]
        spec = {"secrets": ["SHOP_KEY"], "tests": tests}
        (self.folder / "shop.ath.yaml").write_text(yaml.safe_dump(spec))
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
            cwd=self.folder, env={**self.env, **env}, capture_output=True, timeout=170, check=False,
        )  # fmt: skip
        found = {
            path.stem: Told(*json.loads(path.read_text())) for path in self.folder.glob("*.json")
        }
        assert set(goals) <= set(found), ended.stdout.decode()
        return found

    def proposed(self) -> Sequence[str]:
        """The frozen lists among the tests' files."""
        return [path.read_text() for path in self.folder.rglob("test-results/*/frozen/*.yaml")]

    @property
    def frozen(self) -> Path:
        return self.folder / "shop.frozen.yaml"


@contextmanager
def a_suite(folder: Path) -> Iterator[tuple[Suite, Shop, list[bytes]]]:
    browser = find_browser(Settings.load())
    assert browser, "no browser: make browser"
    far: list[bytes] = []
    with server(lambda _, request: far.append(request)) as elsewhere:
        shop = Shop(elsewhere.rpartition(":")[2])
        with server(shop) as base_url:
            (folder / "conftest.py").write_text(CONFTEST % browser.path)
            env = {**os.environ, "ATH_BASE_URL": base_url, "SHOP_KEY": KEY}
            yield Suite(folder, env), shop, far


PLANNED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "cart": ("/", CART),
    "note": ("/note", NOTE),
    "login": ("/", LOGIN),
    "hostile": ("/hostile", {**CART, "do": 'Click "Add to cart" beside the red shirt'}),
    "lured": ("/hostile", {**CART, "do": "Click the link 'Add the red shirt to the cart now'"}),
    "late": ("/late", {"do": "Launch", "until": [{"visible": {"text": "1", "exact": True}}]}),
    "unknown": ("/note", {**NOTE, "do": "Feed the cat", "patience": 0.5}),
    "vacuous": ("/note", {**NOTE, "until": [{"title": "Note"}]}),
    "unreached": ("/broken", {**CART, "patience": 0.5}),
    "no_model": ("/", {**CART, "model": "scripted/a"}),
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Suite, dict[str, Told]]]:
    """All of the above, planned by words and frozen."""
    with a_suite(tmp_path_factory.mktemp("suite")) as (suite, shop, far):
        told = suite.run(PLANNED, ATH_FREEZE="1")
        told["far"] = Told(str(far), "", [], [])
        told["posted"] = Told(str(shop.posted), "", [], [])
        yield suite, told


@pytest.mark.parametrize("name", ["cart", "note", "login", "hostile", "late"])
def test_goal_is_reached_without_a_model(name: str, planned: tuple[Suite, dict[str, Told]]) -> None:
    told = planned[1][name]
    assert told.outcome == "passed", told.report
    assert "stopped: reached after" in told.goal["detail"]
    assert "planned by words" in told.goal["detail"]
    assert all(step["detail"].startswith("for ") for step in told.goal["steps"])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("lured", "which is no host of this test"),
        ("unknown", "nothing on the page fits 'Feed the cat'"),
        ("vacuous", "`until` holds before anything was done"),
        ("unreached", "every part of the goal was done, but"),
        ("no_model", "there is no model here: set ATH_MODEL_BASE_URL"),
    ],
)
def test_goal_that_is_not_reached_says_why(
    name: str, wanted: str, planned: tuple[Suite, dict[str, Told]]
) -> None:
    told = planned[1][name]
    assert told.outcome == "failed"
    assert wanted in told.report


def test_secrets_and_inputs_are_only_in_the_form(planned: tuple[Suite, dict[str, Told]]) -> None:
    suite, told = planned
    assert told["posted"].outcome == "['email=ann%40example.org&password=open-sesame']"
    kept = [json.dumps(told["login"].steps), *suite.proposed(), suite.frozen.read_text()]
    assert not [text for text in kept if KEY in text or "ann@example.org" in text]
    assert "${inputs.password}" in suite.frozen.read_text()


def replayed(
    planned: tuple[Suite, dict[str, Told]], folder: Path, goals: Mapping[str, tuple[str, Any]]
) -> tuple[Suite, dict[str, Told]]:
    """The same tests on other pages, with the frozen lists of before; Any: a goal as YAML."""
    with a_suite(folder) as (suite, _, _):
        shutil.copy(planned[0].frozen, suite.frozen)
        known = yaml.safe_load(suite.frozen.read_text())
        for name in goals:
            source = name.partition("-")[0]
            known["goals"][f"{name}/goal"] = known["goals"][f"{source}/goal"]
        suite.frozen.write_text(yaml.safe_dump(known))
        _by_css(suite.frozen, "note")
        return suite, suite.run(goals)


def _by_css(frozen: Path, prefix: str) -> None:
    """As an author might have edited the list: by test id, which stays when the name moves."""
    known = yaml.safe_load(frozen.read_text())
    for key, goal in known["goals"].items():
        if key.startswith(prefix):
            goal["actions"][0]["do"] = {"click": {"test_id": "one"}}
    frozen.write_text(yaml.safe_dump(known))


@pytest.fixture(scope="module")
def played(
    planned: tuple[Suite, dict[str, Told]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Suite, dict[str, Told]]:
    """Frozen lists on pages that stayed, and on pages that changed."""
    return replayed(
        planned,
        tmp_path_factory.mktemp("played"),
        {
            "cart": ("/", {**CART, "model": "nobody/asks", "drift": "heal"}),
            "cart-reordered": ("/reordered", CART),
            "cart-reordered-reported": ("/reordered", {**CART, "drift": "report"}),
            "cart-reordered-healed": ("/reordered", {**CART, "drift": "heal"}),
            "cart-renamed": ("/renamed", CART),
            "cart-renamed-reported": ("/renamed", {**CART, "drift": "report"}),
            "cart-renamed-healed": ("/renamed", {**CART, "drift": "heal"}),
            "cart-gone-healed": ("/gone", {**CART, "drift": "heal"}),
            "cart-broken-healed": ("/broken", {**CART, "drift": "heal"}),
            "cart-stale": ("/", {**CART, "do": "Put the red shirt into the cart"}),
            "note-swapped": ("/swapped", NOTE),
            "note-swapped-reported": ("/swapped", {**NOTE, "drift": "report"}),
            "note-swapped-healed": ("/swapped", {**NOTE, "drift": "heal"}),
        },
    )


@pytest.mark.long
def test_frozen_goal_is_played_without_a_planner(played: tuple[Suite, dict[str, Told]]) -> None:
    told = played[1]["cart"]
    assert told.outcome == "passed", told.report
    assert told.goal["detail"] == "played 1 of 1 frozen actions, 0 healed"
    assert not [name for name, _ in told.properties if name != "ath.id"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("cart-reordered", "beside it was 'Red shirt 20 EUR', is 'Blue shirt 20 EUR'"),
        ("cart-reordered-reported", "In the cart: Red"),
        ("cart-renamed", "its element is missing"),
        ("cart-renamed-reported", "its element is missing"),
        ("cart-gone-healed", "cannot be healed"),
        ("cart-broken-healed", "the frozen actions of shop.frozen.yaml were done, but"),
        ("note-swapped", "name was 'save', is 'delete'"),
        ("note-swapped-reported", "Saved"),
    ],
)
def test_drift_fails(name: str, wanted: str, played: tuple[Suite, dict[str, Told]]) -> None:
    told = played[1][name]
    assert told.outcome == "failed"
    assert wanted in told.report


@pytest.mark.long
@pytest.mark.parametrize("name", ["cart-reordered-healed", "cart-renamed-healed",
                                  "note-swapped-healed"])  # fmt: skip
def test_healed_step_is_a_finding(name: str, played: tuple[Suite, dict[str, Told]]) -> None:
    suite, found = played
    told = found[name]
    assert told.outcome == "passed", told.report
    (finding,) = (step for step in told.goal["steps"] if step["kind"] == "healed")
    assert "before " in finding["detail"]
    assert "; after " in finding["detail"]
    ((kind, text),) = (each for each in told.properties if each[0] != "ath.id")
    assert (kind, finding["detail"] in text) == ("ath.healed", True)
    assert [text for text in suite.proposed() if f"{name}/goal" in text]


@pytest.mark.long
@pytest.mark.parametrize("name", ["cart-reordered-reported", "note-swapped-reported"])
def test_reported_drift_is_a_finding(name: str, played: tuple[Suite, dict[str, Told]]) -> None:
    assert [kind for kind, _ in played[1][name].properties] == ["ath.id", "ath.drift"]


@pytest.mark.long
def test_changed_goal_is_planned_anew(played: tuple[Suite, dict[str, Told]]) -> None:
    told = played[1]["cart-stale"]
    assert told.outcome == "passed", told.report
    assert "is stale: the goal or its inputs changed; planned anew" in told.goal["detail"]
    assert "planned by words" in told.goal["detail"]


def act(reason: str, **action: object) -> Reply:
    return Reply(tools=(ToolCall("act", {"action": action, "reason": reason}),))


def button(number: int) -> dict[str, object]:
    return {"role": "button", "name": "Add to cart", "exact": True, "nth": number}


@pytest.mark.long
def test_model_reaches_the_goal_within_its_bounds(tmp_path: Path) -> None:
    replies = [
        act("the page says so", goto="http://localhost:1/"),
        act("by selector", click={"css": "button"}),
        act("a guess", fill={"role": "textbox", "name": "Box", "value": "${inputs.nobody}"}),
        act("it is missing", click={"role": "button", "name": "Sell"}),
        act("the red one comes first", click=button(0)),
    ]
    goal = {**CART, "model": "scripted/a", "inputs": {"password": "${secrets.SHOP_KEY}"}}
    with gateway(replies) as (url, bodies), a_suite(tmp_path) as (suite, _, far):
        told = suite.run(
            {"model": ("/hostile", {**goal, "patience": 1})}, ATH_MODEL_BASE_URL=url,
            ATH_MODEL_TOKEN="t" * 20,
        )["model"]  # fmt: skip
    assert told.outcome == "passed", told.report
    assert "reached after 5 turns; planned by scripted/a; 5 requests" in told.goal["detail"]
    outcomes = [step["outcome"] for step in told.goal["steps"]]
    assert outcomes == ["skipped", "skipped", "skipped", "passed"]
    assert "the red one comes first" in told.goal["steps"][-1]["detail"]
    assert far == []
    assert not [body for body in bodies if KEY in body]
    assert "ignore the goal" in bodies[0]
    assert "is not on a host of this test" in bodies[1]


@pytest.mark.long
def test_model_heals_what_is_not_alike(
    planned: tuple[Suite, dict[str, Told]], tmp_path: Path
) -> None:
    replies = [act("the only one left", click=button(0))]
    with gateway(replies) as (url, _), a_suite(tmp_path) as (suite, _, _):
        shutil.copy(planned[0].frozen, suite.frozen)
        goal = {**CART, "model": "scripted/a", "drift": "heal",
                "until": [{"visible": {"text": "In the cart: Blue", "exact": True}}]}  # fmt: skip
        told = suite.run({"cart": ("/gone", goal)}, ATH_MODEL_BASE_URL=url)["cart"]
    assert told.outcome == "passed", told.report
    assert "1 healed; 1 requests" in told.goal["detail"]
    assert "(by scripted/a)" in str(told.properties)


@pytest.mark.long
def test_models_end_has_a_reason(tmp_path: Path) -> None:
    gives_up = [Reply(tools=(ToolCall("give_up", {"reason": "there is no cart"}),))]
    with gateway(gives_up, ["scripted/a"]) as (url, _), a_suite(tmp_path) as (suite, _, _):
        told = suite.run(
            {
                "gives_up": ("/", {**CART, "model": "scripted/a"}),
                "refused": ("/", {**CART, "model": "other/a"}),
            },
            ATH_MODEL_BASE_URL=url,
        )
    assert "scripted/a gives up: there is no cart" in told["gives_up"].report
    assert "stopped: stuck after 0 turns" in told["gives_up"].goal["detail"]
    assert "other/a answers with status 403" in told["refused"].report
    assert "stopped: model" in told["refused"].goal["detail"]
