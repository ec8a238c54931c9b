"""What a step asks its host for, and how it judges what came of it."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actors.agents.agent_wish import told
from actors.specs.agent_desk import AgentDesk
from actors.specs.context import TestContext
from actors.specs.failure import StepFailed
from actors.specs.spec import Spec
from actors.specs.steps.agent import AgentStep, run
from tests.unit.specs.world import a_step, a_test

END: dict[str, Any] = {
    "exit_code": 0, "signal": None, "stdout": told(b'{"seat": 4}\n'), "stderr": "",
    "files": {"out.txt": told(b"booked")}, "missing": [], "stopped": "exit",
    "seconds": 1.5, "spent": {"turns": 2, "tokens": 30}, "refused": {"host": 1},
}  # fmt: skip
TURN = {"n": 1, "kind": "llm", "name": "scripted/a", "seconds": 0.5, "said": "Hello."}
REFUSED = {"n": 2, "kind": "http", "name": "GET a:80", "refused": "host", "why": "not named"}


@contextlib.contextmanager
def host(folder: Path, *lines: Mapping[str, Any]) -> Iterator[tuple[SimpleNamespace, list[Any]]]:
    """A host that says these, and the wishes that it heard; stands for pytest's config."""
    heard: list[Any] = []
    path = str(folder / "door")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            end, _ = listener.accept()
            with end, end.makefile("rb") as reader:
                wish = json.loads(reader.readline())
                heard.append(wish)
                reader.read(wish["agent"]["archive_bytes"])
                end.sendall(b"".join(json.dumps(line).encode() + b"\n" for line in lines))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield SimpleNamespace(_ath_door=(path, "w1")), heard
        thread.join(5)


def carried_out(
    folder: Path, step: Mapping[str, Any], end: Mapping[str, Any], *before: Mapping[str, Any]
) -> tuple[TestContext, Any]:
    turns = [{"turn": turn} for turn in before]
    with host(folder, *turns, {"end": end}) as (config, heard):
        test = a_test(folder)
        test.config = config
        run(AgentStep.model_validate({"program": ["python", "a.py"], **step}), a_step(test))
    return test, heard[0]


def wrong(folder: Path, expect: Mapping[str, Any], **end: Any) -> str:
    with pytest.raises(StepFailed) as caught:
        carried_out(folder, {"files": [], "expect": expect}, {**END, **end})
    return str(caught.value)


def test_it_asks_for_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text("- {says: Hi, expects: Hello}\n")
    (tmp_path / "policy.yaml").write_text("models: [scripted/*]\n")
    (tmp_path / "a.py").write_text("1")
    step = {
        "script": "script.yaml", "policy": "policy.yaml", "name": "booker", "keep": ["b"],
        "limits": {"memory_mib": 64}, "expect": {"files": {"out.txt": "booked"}},
        "save": {"seat": "$.seat"},
    }  # fmt: skip
    test, wish = carried_out(tmp_path, step, END, TURN, REFUSED)
    asked = wish["agent"]
    assert wish["worker"] == "w1"
    assert asked["policy"] == {"models": ["scripted/*"]}
    assert asked["script"] == [{"says": "Hi", "calls": [], "expects": "Hello"}]
    assert (asked["name"], asked["brings"], asked["limits"]["memory_mib"]) == (
        "booker", ["b", "out.txt"], 64
    )  # fmt: skip
    assert asked["archive_bytes"] > 0
    assert test.values["seat"] == 4
    first, second = test.recorder.steps
    assert (first.kind, first.name, first.outcome) == ("llm", "scripted/a: Hello.", "passed")
    assert (second.name, second.outcome, second.notes) == (
        "GET a:80: refused", "failed", ["not named"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expect", "end", "said"),
    [
        ({}, {"exit_code": 3}, "exit code is 3 (exit), expected 0"),
        ({"exit": [1, 2]}, {}, "exit code is 0 (exit), expected 1, 2"),
        ({"stopped": "budget"}, {}, "it stopped by exit, expected budget"),
        ({"stdout": "no"}, {}, "stdout is"),
        ({"json": {"$.seat": 5}}, {}, "$.seat is 4, expected 5"),
        ({"files": {"gone.txt": "x"}}, {}, "gone.txt does not exist"),
        ({"files": {"out.txt": "x"}}, {}, 'out.txt is "booked", expected "x"'),
        ({"refused": 0}, {}, "refused is 1, expected 0"),
        ({"turns": {"max": 1}}, {}, "turns is 2, expected at most 1"),
    ],
)
def test_it_judges_by_what_came_of_it(
    tmp_path: Path, expect: dict[str, Any], end: dict[str, Any], said: str
) -> None:
    assert said in wrong(tmp_path, expect, **end)


def test_a_stop_that_was_expected_needs_no_exit_code(tmp_path: Path) -> None:
    step = {"files": [], "expect": {"stopped": "timeout"}}
    carried_out(tmp_path, step, {**END, "stopped": "timeout", "exit_code": None})


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{"trouble": {"code": "tier", "message": "No namespaces."}}], "No namespaces."),
        ([], "ended before the agent did"),
    ],
)
def test_a_host_that_cannot_says_why(
    tmp_path: Path, lines: Sequence[Mapping[str, Any]], said: str
) -> None:
    with host(tmp_path, *lines) as (config, _):
        test = a_test(tmp_path)
        test.config = config
        with pytest.raises(StepFailed, match=said):
            run(AgentStep(program=["a"], files=[]), a_step(test))


def test_without_the_platform_it_says_how_to_get_it() -> None:
    with pytest.raises(StepFailed, match="ath run"):
        AgentDesk.of(SimpleNamespace())


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"modells": []}, "modells: Extra inputs"),
        ({"network": {"allow": [{"host": "a b"}]}}, "network.allow.0.host"),
    ],
)
def test_a_policy_within_a_spec_is_checked_with_it(policy: dict[str, Any], said: str) -> None:
    step = {"agent": {"program": ["a"], "policy": policy}}
    with pytest.raises(ValueError, match=said):
        Spec.model_validate({"tests": [{"id": "a", "steps": [step]}]})
