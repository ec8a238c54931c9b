"""A goal's sentence as clauses: what to do with what."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from actors.specs.agents.fingerprint import words_of

Kind: TypeAlias = Literal["fill", "click", "select", "check", "uncheck", "press", "goto", "log in"]
_VERBS: Mapping[str, Kind] = {
    "log in": "log in", "login": "log in", "sign in": "log in",
    "go to": "click", "navigate to": "click", "click on": "click", "click": "click",
    "tap": "click", "push": "click", "open": "click", "submit": "click", "follow": "click",
    "press": "press",
    "fill in": "fill", "fill out": "fill", "fill": "fill", "type": "fill", "enter": "fill",
    "write": "fill", "set": "fill", "search for": "fill",
    "select": "select", "choose": "select", "pick": "select",
    "check": "check", "tick": "check", "accept": "check",
    "uncheck": "uncheck", "untick": "uncheck",
}  # fmt: skip
_PLAIN_VERBS = ("add", "remove", "delete", "buy", "order", "save", "create", "confirm", "close",
                "send", "book", "show", "edit", "cancel", "continue", "proceed", "log", "sign",
                "put", "view", "start", "finish", "pay", "check out")  # fmt: skip
"""Verbs that stand on elements themselves; they begin a clause, too."""
_STOP = frozenset(
    {"a", "an", "the", "to", "of", "in", "on", "into", "at", "with", "and", "then", "for", "my",
     "your", "their", "its", "it", "is", "be", "by", "from", "as", "please", "that", "this",
     "which", "has"}
)  # fmt: skip
_KINDS_OF_ELEMENTS = {
    "button": ("button",), "link": ("link",), "tab": ("tab",), "box": ("checkbox",),
    "checkbox": ("checkbox",), "field": ("textbox", "searchbox", "combobox"),
    "menu": ("menuitem", "button"), "option": ("option", "radio"), "radio": ("radio",),
    "page": ("link",),
}  # fmt: skip
_QUOTED = re.compile(r"[\"“”«»„]([^\"“”«»„]{1,500})[\"“”«»„]|(?<!\w)'([^']{1,500})'(?!\w)")
_SPLIT = re.compile(r"(?:[.;\n]+(?:\s+|$)|,?\s+then\s+|,\s*(?:and\s+)?|\s+and\s+)", re.IGNORECASE)
_KNOWN = "|".join(map(re.escape, sorted(_VERBS, key=len, reverse=True)))
_VERB = re.compile(rf"(?:{_KNOWN})\b", re.IGNORECASE)
_BEGINS = re.compile(rf"(?:please\s+)?(?:{_KNOWN}|{'|'.join(_PLAIN_VERBS)})\b", re.IGNORECASE)
_HOLD = "\x00{}\x00"
_HELD = re.compile(r"\x00(\d+)\x00")
_VALUE = re.compile(r"^(.*?)\s*(?:\bwith\b|\bto\b|\bas\b|\bto be\b|=|:)\s*(.+)$", re.IGNORECASE)
_INTO = re.compile(r"^(.+?)\s+(?:into|in|on|for|as|from)\s+(.+)$", re.IGNORECASE)
_KEYS = {"enter": "Enter", "escape": "Escape", "esc": "Escape", "tab": "Tab", "return": "Enter"}


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing to do."""

    kind: Kind
    text: str
    """As the author wrote it."""
    words: tuple[str, ...] = ()
    """What its element is about."""
    quoted: tuple[str, ...] = ()
    """What its element is called, letter by letter."""
    value: str = ""
    """What goes into it: a literal, or `${inputs.<name>}`."""
    roles: tuple[str, ...] = ()
    """Kinds of elements that the author named."""
    is_rest: bool = False
    """What a click left undone; may be nothing."""
    is_opened: bool = False
    """What leads to its form was clicked."""


def read_clauses(goal: str, inputs: Sequence[str]) -> Sequence[Clause]:
    """The clauses of a goal, in order."""
    quotes: list[str] = []

    def hold(match: re.Match[str]) -> str:
        quotes.append(match.group(1) or match.group(2))
        return _HOLD.format(len(quotes) - 1)

    held = _QUOTED.sub(hold, goal)
    found: list[Clause] = []
    for part in _parts(held):
        found.append(_clause(part, quotes, inputs))
        if part.casefold().startswith("search for"):
            found.append(Clause("press", found[-1].text, value="Enter"))
    return found


def _parts(text: str) -> Iterator[str]:
    """Split where a new verb begins; `salt and pepper` stays whole."""
    begun = 0
    for match in _SPLIT.finditer(text):
        is_end = match.group().strip()[:1] in {".", ";"} or "\n" in match.group()
        if not is_end and not _BEGINS.match(text, match.end()):
            continue
        if part := text[begun : match.start()].strip(" .;,\n"):
            yield part
        begun = match.end()
    if part := text[begun:].strip(" .;,\n"):
        yield part


def _clause(part: str, quotes: Sequence[str], inputs: Sequence[str]) -> Clause:
    text = _shown(part, quotes)
    begun = re.sub(r"^please\s+", "", part, flags=re.IGNORECASE)
    verb = _VERB.match(begun)
    if verb is None:
        return _about("click", text, begun, quotes)
    kind, rest = _VERBS[verb.group().lower()], begun[verb.end() :].strip()
    if kind == "log in":
        return Clause("log in", text, words=tuple(_meant(part)))
    if kind == "press":
        key = _KEYS.get(" ".join(_meant(rest)))
        return Clause("press", text, value=key) if key else _about("click", text, rest, quotes)
    if kind in {"fill", "select"}:
        return _with_value(kind, text, rest, quotes, inputs, verb.group().lower())
    return _about(kind, text, rest if _meant(rest) or "\x00" in rest else begun, quotes)


def _with_value(
    kind: Kind, text: str, rest: str, quotes: Sequence[str], inputs: Sequence[str], verb: str
) -> Clause:
    if verb in {"type", "enter", "write", "select", "choose", "pick", "search for"}:
        match = _INTO.match(rest)
        value, where = (match.group(1), match.group(2)) if match else (rest, "")
        if verb == "search for":
            where = where or "search"
    else:
        match = _VALUE.match(rest)
        where, value = (match.group(1), match.group(2)) if match else (rest, "")
    name = _input_in(value, inputs) or (_input_in(where, inputs) if not value else "")
    said = f"${{inputs.{name}}}" if name else _literal(value, quotes)
    found = _about(kind, text, where or (value if name else ""), quotes)
    return Clause(kind, text, found.words, found.quoted, said, found.roles)


def _about(kind: Kind, text: str, rest: str, quotes: Sequence[str]) -> Clause:
    quoted = tuple(quotes[int(number)] for number in _HELD.findall(rest))
    words = _meant(_HELD.sub(" ", rest))
    roles = tuple(role for word in words for role in _KINDS_OF_ELEMENTS.get(word, ()))
    return Clause(kind, text, tuple(w for w in words if w not in _KINDS_OF_ELEMENTS), quoted,
                  roles=roles)  # fmt: skip


def _literal(value: str, quotes: Sequence[str]) -> str:
    held = _HELD.search(value)
    return quotes[int(held.group(1))] if held else re.sub(r"^(?:the|a|an)\s+", "", value.strip())


def _input_in(text: str, inputs: Sequence[str]) -> str:
    """The input whose name's words are all there, the longest first."""
    words = set(words_of(text.replace("_", " ")))
    for name in sorted(inputs, key=len, reverse=True):
        if set(words_of(name.replace("_", " ").replace("-", " "))) <= words:
            return name
    return ""


def _meant(text: str) -> list[str]:
    return [word for word in words_of(_HELD.sub(" ", text)) if word not in _STOP]


def _shown(part: str, quotes: Sequence[str]) -> str:
    return _HELD.sub(lambda found: f'"{quotes[int(found.group(1))]}"', part)
