"""A reached goal as a list of actions that later runs play without a planner."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from actors.specs.agents.fingerprint import Fingerprint
from actors.specs.browser_action import Action
from actors.specs.document import read_document
from actors.specs.failure import StepFailed
from actors.specs.model import SpecModel
from actors.specs.problem import InvalidSpec
from actors.specs.written import written

SUFFIX = ".frozen.yaml"
_HEAD = "# Actions of reached goals, written by `ath freeze`; the spec's `until` judges them.\n"


class FrozenAction(SpecModel):
    """One action, and what its element was."""

    do: Action
    why: Annotated[str, Field(max_length=300)] = ""
    element: Fingerprint | None = None
    """None where the action is about no element."""


class FrozenGoal(SpecModel):
    """How one goal was reached."""

    goal: Annotated[str, Field(max_length=64)]
    """Digest of the goal's text and its inputs' names; another goal is planned anew."""
    planner: Annotated[str, Field(max_length=200)] = ""
    actions: Annotated[list[FrozenAction], Field(max_length=500)]


class FrozenFile(SpecModel):
    """The goals of one spec."""

    version: Literal[1] = 1
    spec: Annotated[str, Field(max_length=1000)]
    """The spec's file, from the suite's root."""
    goals: Annotated[dict[str, FrozenGoal], Field(max_length=5000)] = {}
    """By test and step."""

    def text(self) -> str:
        """As it is kept."""
        plain = self.model_dump(mode="json", exclude_unset=True, by_alias=True)
        ordered = {"version": 1, "spec": plain["spec"], "goals": plain.get("goals", {})}
        return _HEAD + written(ordered)

    def with_goals(self, goals: Mapping[str, FrozenGoal]) -> "FrozenFile":
        """The same with these in place of those of the same names."""
        merged = {**self.goals, **goals}
        return FrozenFile(spec=self.spec, goals={key: merged[key] for key in sorted(merged)})


def goal_digest(goal: str, inputs: Sequence[str]) -> str:
    """The same for the same goal."""
    told = json.dumps([" ".join(goal.split()), sorted(inputs)], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def frozen_path(spec: Path) -> Path:
    """Where the frozen goals of a spec are kept: beside it."""
    return spec.with_name(spec.name.removesuffix(".ath.yaml") + SUFFIX)


def read_frozen(path: Path) -> FrozenFile | None:
    """The file's goals; None where there is no file.

    Raises:
        StepFailed: it holds something else.
    """
    if not path.is_file():
        return None
    try:
        return parse_frozen(path.name, path.read_bytes())
    except (OSError, ValueError) as wrong:
        raise StepFailed(f"{path.name} holds no frozen goals: {wrong}") from None


def parse_frozen(name: str, data: bytes) -> FrozenFile:
    """The goals in these bytes.

    Raises:
        ValueError: there are none.
    """
    try:
        return FrozenFile.model_validate(read_document(name, data).value)
    except InvalidSpec as wrong:
        raise ValueError(str(wrong)) from None
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where}: {first['msg']}") from None


def artifact_name(spec: Path, test: str, step: str) -> str:
    """The file's name among a test's other files."""
    stem = spec.name.removesuffix(".ath.yaml")
    return re.sub(r"[^\w.-]+", "_", f"{stem}-{test}-{step}")[:150] + SUFFIX


def hidden(goal: FrozenGoal, hide: Any) -> FrozenGoal:  # Any: a function of texts
    """The goal without a value that anything in it might hold."""
    return FrozenGoal.model_validate(_hidden(goal.model_dump(exclude_unset=True), hide))


def _hidden(value: object, hide: Any) -> object:  # Any: as above
    if isinstance(value, dict):
        return {key: _hidden(each, hide) for key, each in value.items()}
    if isinstance(value, list):
        return [_hidden(each, hide) for each in value]
    return hide(value) if isinstance(value, str) else value
