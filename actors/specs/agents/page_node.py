"""An element of a page as assistive technology sees it."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from actors.specs.failure import StepFailed

MOST_LINES = 3000
"""Of a page's tree; what lies behind them is not seen."""
DEEPEST = 60
TEXT_CHARACTERS = 200
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_HEAD = re.compile(r'([a-zA-Z]+)(?: "((?:[^"\\]|\\.)*)")?((?: \[[^\]]*\])*)')
_MARK = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class PageNode:
    """One element, or a text of its own."""

    role: str
    name: str = ""
    ref: str = ""
    """Stands for it within one view."""
    states: tuple[str, ...] = ()
    """Such as `checked`, `disabled`, `level=1`."""
    text: str = ""
    """What it shows or holds, besides its name."""
    depth: int = 0
    parents: tuple["PageNode", ...] = field(default=(), repr=False, compare=False)
    """Elements around it, the outermost first."""

    @property
    def label(self) -> str:
        """What people call it: its name, or the text of something without a role."""
        return self.name or (self.text if self.role == "generic" else "")

    @property
    def is_clickable(self) -> bool:
        """Whether something looks at clicks on it."""
        return "cursor=pointer" in self.states

    @property
    def is_disabled(self) -> bool:
        """Whether it cannot be used now."""
        return "disabled" in self.states

    @property
    def is_framed(self) -> bool:
        """Whether it belongs to a page within the page."""
        return any(each.role == "iframe" for each in self.parents)


def read_nodes(snapshot: str, hide: Callable[[str], str] = str) -> tuple[Sequence[PageNode], bool]:
    """The elements of Playwright's snapshot in their order, and whether all of them are here.

    Raises:
        StepFailed: it cannot be read.
    """
    lines = snapshot.splitlines()
    kept = [line for line in lines[:MOST_LINES] if len(line) - len(line.lstrip()) <= 2 * DEEPEST]
    try:
        tree = yaml.load("\n".join(kept), Loader=_LOADER)  # noqa: S506  # knows texts only
        nodes = list(_nodes(tree, (), hide))
    except (yaml.YAMLError, ValueError, RecursionError) as wrong:
        raise StepFailed(f"the page's elements cannot be read: {type(wrong).__name__}") from None
    return nodes, len(kept) == len(lines)


def _nodes(
    tree: Any, parents: tuple[PageNode, ...], hide: Callable[[str], str]
) -> Iterator[PageNode]:  # Any: what YAML holds
    for entry in tree if isinstance(tree, list) else ():
        head, inner = next(iter(entry.items())) if isinstance(entry, dict) else (entry, "")
        text = inner if isinstance(inner, str) else ""
        if head.startswith("/"):
            continue
        node = _node(head, hide(text)[:TEXT_CHARACTERS], parents, hide)
        if node is None:
            continue
        yield node
        yield from _nodes(inner, (*parents, node), hide)


def _node(
    head: str, text: str, parents: tuple[PageNode, ...], hide: Callable[[str], str]
) -> PageNode | None:
    match = _HEAD.fullmatch(head)
    if match is None:
        return None
    role, name, marks = match.groups()
    found = PageNode(role, hide(_plain(name or "")), text=text, depth=len(parents))
    states = _MARK.findall(marks)
    refs = [mark.removeprefix("ref=") for mark in states if mark.startswith("ref=")]
    kept = tuple(mark for mark in states if not mark.startswith("ref="))
    return replace(found, ref=(refs or [""])[0], states=kept, parents=parents)


def _plain(quoted: str) -> str:
    try:
        return str(json.loads(f'"{quoted}"'))
    except ValueError:
        return quoted
