"""What an element means, beyond where it is found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from actors.specs.agents.page_node import PageNode
from actors.specs.agents.page_view import PageView
from actors.specs.model import SpecModel

ENOUGH = 0.6
"""A match scores at least this, of 1."""
MARGIN = 0.15
"""And so much more than the second best."""
SAME_NEIGHBOURHOOD = 0.4
_WEIGHTS = {"role": 2.0, "name": 4.0, "test_id": 3.0, "near": 2.5, "around": 1.5, "tag": 0.5,
            "position": 0.5}  # fmt: skip
_Text = Annotated[str, Field(max_length=500)]


class Fingerprint(SpecModel):
    """An element when its action was planned."""

    role: _Text
    name: _Text = ""
    tag: _Text = ""
    test_id: _Text = ""
    around: Annotated[list[_Text], Field(max_length=60)] = []
    """Forms, landmarks and groups that held it, the outermost first."""
    near: _Text = ""
    """The text of its row, item or group."""
    apart: Annotated[list[_Text], Field(max_length=60)] = []
    """Words of that text that stood beside none of its like."""
    position: Annotated[int, Field(ge=0)] = 0
    """Which of the elements with its role and name it was, from 0."""

    @property
    def words(self) -> str:
        """It in a few words."""
        name = f" {self.name!r}" if self.name else ""
        return f"{self.role}{name}" + (f" beside {self.near[:60]!r}" if self.near else "")


@dataclass(frozen=True, slots=True)
class Match:
    """An element that may be the one that was meant."""

    node: PageNode
    score: float


def fingerprint_of(
    view: PageView, node: PageNode, *, tag: str = "", test_id: str = ""
) -> Fingerprint:
    """An element's fingerprint within its page."""
    return Fingerprint(
        role=node.role[:500],
        name=node.label[:500],
        tag=tag[:500],
        test_id=test_id[:500],
        around=[each[:500] for each in view.around(node)],
        near=view.near(node),
        apart=_apart(view, node),
        position=next(i for i, each in enumerate(view.alike(node)) if each is node),
    )


def differences(before: Fingerprint, after: Fingerprint) -> Sequence[str]:
    """What says that the element means something else now; nothing where it means the same."""
    told = [
        f"{what} was {was!r}, is {now!r}"
        for what, was, now in (
            ("role", before.role, after.role),
            ("name", _plain(before.name), _plain(after.name)),
            ("test id", before.test_id, after.test_id),
        )
        if was != now
    ]
    if neighbourhood(before, after) < SAME_NEIGHBOURHOOD:
        told.append(f"beside it was {before.near!r}, is {after.near!r}")
    return told


def best_match(wanted: Fingerprint, view: PageView) -> tuple[Match | None, str]:
    """The element that is it, by a clear margin, or why there is none."""
    found = sorted(
        (
            Match(node, score(wanted, fingerprint_of(view, node)))
            for node in view.used
            if not node.is_disabled
        ),
        key=lambda match: -match.score,
    )
    if not found or found[0].score < ENOUGH:
        return None, "no element is enough like it"
    if len(found) > 1 and found[0].score - found[1].score < MARGIN:
        names = " and ".join(repr(each.node.label) for each in found[:2])
        return None, f"two elements are as much like it: {names}"
    return found[0], ""


def score(wanted: Fingerprint, found: Fingerprint) -> float:
    """How much alike two elements are, from 0 to 1; parts that neither has do not count.

    What told it apart from its like must be there: another row's button is none.
    """
    if wanted.apart and neighbourhood(wanted, found) < SAME_NEIGHBOURHOOD:
        return 0.0
    parts = {
        "role": _role_alikeness(wanted.role, found.role),
        "name": alikeness(wanted.name, found.name),
        "near": neighbourhood(wanted, found),
        "around": alikeness(" ".join(wanted.around), " ".join(found.around)),
        "position": 1.0 if wanted.position == found.position else 0.0,
    }
    for part, was, now in (
        ("tag", wanted.tag, found.tag),
        ("test_id", wanted.test_id, found.test_id),
    ):
        if was and now:
            parts[part] = float(was == now)
    for part in ("name", "near", "around"):
        if not getattr(wanted, part) and not getattr(found, part):
            del parts[part]
    total = sum(_WEIGHTS[part] for part in parts)
    return sum(_WEIGHTS[part] * value for part, value in parts.items()) / total


def neighbourhood(before: Fingerprint, after: Fingerprint) -> float:
    """How much of what was beside an element is beside the other, from 0 to 1."""
    if not before.apart:
        return alikeness(before.near, after.near)
    return len(set(before.apart) & set(words_of(after.near))) / len(before.apart)


def alikeness(one: str, other: str) -> float:
    """How many words two texts share, from 0 to 1."""
    left, right = set(words_of(one)), set(words_of(other))
    if not left and not right:
        return 1.0
    return 2 * len(left & right) / (len(left) + len(right))


def words_of(text: str) -> Sequence[str]:
    """A text's words in lower case."""
    return re.findall(r"[^\W_]+", text.casefold())


def _apart(view: PageView, node: PageNode) -> list[str]:
    rivals = [each for each in view.alike(node) if each is not node]
    if not rivals:
        return []
    known = {word for each in rivals for word in words_of(view.near(each))}
    return [word for word in dict.fromkeys(words_of(view.near(node))) if word not in known][:60]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _role_alikeness(one: str, other: str) -> float:
    if one == other:
        return 1.0
    kin = ({"button", "link", "menuitem", "tab"}, {"textbox", "searchbox", "combobox"},
           {"checkbox", "switch", "radio"})  # fmt: skip
    return 0.7 if any({one, other} <= each for each in kin) else 0.0
