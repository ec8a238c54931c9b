"""What a planner is shown of a page: a bounded tree of elements, never its markup."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from actors.specs.agents.page_node import PageNode

SHOWN_CHARACTERS = 24_000
USED = frozenset(
    {"button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio",
     "switch", "menuitem", "menuitemcheckbox", "menuitemradio", "tab", "option", "slider",
     "spinbutton"}
)  # fmt: skip
"""Roles of elements that people use."""
GROUPS = frozenset({"listitem", "row", "article", "group"})
"""Roles of elements whose text says what the elements within are about."""
LANDMARKS = frozenset(
    {"banner", "complementary", "contentinfo", "dialog", "form", "main", "navigation", "region",
     "search", "list", "table", "group", "toolbar", "menu", "tablist"}
)  # fmt: skip
NEAR_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class PageView:
    """A page at one moment."""

    url: str
    title: str
    nodes: Sequence[PageNode]
    is_whole: bool = True

    @property
    def used(self) -> Sequence[PageNode]:
        """What a person could use, in the page's order."""
        return [
            node
            for node in self.nodes
            if node.ref
            and not node.is_framed
            and (node.role in USED or (node.is_clickable and node.label))
        ]

    def node(self, ref: str) -> PageNode | None:
        """The element that this stands for."""
        return next((each for each in self.nodes if each.ref == ref), None) if ref else None

    def alike(self, node: PageNode) -> Sequence[PageNode]:
        """Elements with its role and name, itself included."""
        return [
            each
            for each in self.nodes
            if each.role == node.role and each.label == node.label and not each.is_framed
        ]

    def around(self, node: PageNode) -> tuple[str, ...]:
        """Landmarks and groups that hold it, the outermost first."""
        return tuple(
            f"{each.role} {each.name}".strip() for each in node.parents if each.role in LANDMARKS
        )

    def near(self, node: PageNode) -> str:
        """The text of the row, item or group to which it belongs, without its own."""
        group = next((each for each in reversed(node.parents) if each.role in GROUPS), None)
        if group is None:
            return ""
        told: list[str] = [group.name] if group.name else []
        for each in self.nodes:
            if each is node or group not in each.parents or each.role in USED:
                continue
            told += [part for part in (each.name, each.text) if part]
        return " ".join(" ".join(dict.fromkeys(told)).split())[:NEAR_CHARACTERS]

    @property
    def text(self) -> str:
        """The tree as lines, cut where it is too long."""
        lines: list[str] = []
        room = SHOWN_CHARACTERS
        for node in self.nodes:
            line = f"{'  ' * min(node.depth, 12)}{_line(node)}"
            room -= len(line) + 1
            if room < 0:
                return "\n".join([*lines, "… (further elements are not shown)"])
            lines.append(line)
        return "\n".join(lines if self.is_whole else [*lines, "… (the page is longer)"])

    @property
    def digest(self) -> str:
        """The same for the same page."""
        return hashlib.sha256(f"{self.url}\n{self.title}\n{self.text}".encode()).hexdigest()


def _line(node: PageNode) -> str:
    name = f" {node.name!r}" if node.name else ""
    states = "".join(f" [{each}]" for each in node.states if each not in {"active"})
    return f"{node.role}{name}{states}{f': {node.text}' if node.text else ''}"
