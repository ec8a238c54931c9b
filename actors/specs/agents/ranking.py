"""Which element a clause is about, by its words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actors.specs.agents.clauses import Clause
from actors.specs.agents.fingerprint import words_of
from actors.specs.agents.page_node import PageNode
from actors.specs.agents.page_view import PageView

FIELDS = frozenset({"textbox", "searchbox", "combobox", "spinbutton"})
BOXES = frozenset({"checkbox", "radio", "switch", "menuitemcheckbox", "menuitemradio"})
_FITS: Mapping[str, frozenset[str]] = {
    "fill": FIELDS,
    "select": frozenset({"combobox", "listbox"}),
    "check": BOXES,
    "uncheck": BOXES,
}
_SAME = {"basket": "cart", "bag": "cart", "trolley": "cart", "login": "signin", "mail": "email",
         "e": "email", "username": "user", "signup": "register"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ranked:
    """An element, and how well it fits."""

    node: PageNode
    score: float
    used: frozenset[str]
    """Words of the clause that it explains."""


def ranked(clause: Clause, view: PageView) -> Sequence[Ranked]:
    """Elements that the clause may be about, the best first; the page's order breaks ties."""
    fits = _FITS.get(clause.kind)
    found = [
        each
        for node in view.used
        if not node.is_disabled and (node.role in fits if fits else node.role not in FIELDS)
        if (each := _ranked(clause, node, view)).score > 0
    ]
    return sorted(found, key=lambda each: -each.score)


def stems(text: str) -> Sequence[str]:
    """A text's words, without endings that mean little."""
    return [_stem(word) for word in words_of(text)]


def _ranked(clause: Clause, node: PageNode, view: PageView) -> Ranked:
    wanted = {_stem(word) for word in clause.words}
    name, near = set(stems(node.label)), set(stems(view.near(node)))
    by_name, by_near = wanted & name, (wanted & near) - name
    points = 0.0
    if any(_same_text(each, node.label) for each in clause.quoted):
        points += 4
    elif any(set(stems(each)) <= name for each in clause.quoted if stems(each)):
        points += 2
    if by_name:
        points += 2 * len(by_name) / len(name) + 2 * len(by_name) / len(wanted)
    if by_near and (points or not clause.quoted):
        points += 1.5 * len(by_near) / len(wanted)
    if any(set(stems(each)) <= near for each in clause.quoted if stems(each)):
        points += 1
    if points and node.role in clause.roles:
        points += 0.5
    return Ranked(node, round(points, 6), frozenset(by_name | by_near))


def _same_text(one: str, other: str) -> bool:
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def _stem(word: str) -> str:
    word = _SAME.get(word, word)
    for ending in ("ing", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
