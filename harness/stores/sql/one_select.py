"""Whether a stranger's statement can be put between parentheses, and which functions it calls.

No parser of SQL: what could be read in two ways is refused.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from harness.errors import InvalidInput

MOST_CHARACTERS = 20_000
_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<text>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<number>[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<comment>--|/\*)
    | (?P<refused>[;$\\`'"\0])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAMES = {"word", "quoted"}
_MOST_NAME_BYTES = 63
"""What PostgreSQL keeps of a name."""
_BEGINNINGS = {"select", "with", "values", "table", "("}
_ESCAPED = {"e", "u", "n"}
"""Letters before a quote or `&` that change what the text behind means."""


@dataclass(frozen=True, slots=True)
class OneSelect:
    """A statement that is one expression of a table."""

    text: str
    names: frozenset[str]
    """All, as PostgreSQL would look them up; some are keywords."""
    called: frozenset[str]
    """Those before a parenthesis: functions, and some that are none."""
    dotted: frozenset[str]
    """Those behind a dot: columns, tables, and functions in disguise."""

    @classmethod
    def parse(cls, statement: str) -> "OneSelect":
        """The statement.

        Raises:
            InvalidInput: it may be more than one, or hides what it says.
        """
        text = statement.strip()
        if len(text) > MOST_CHARACTERS:
            raise InvalidInput(f"The statement has more than {MOST_CHARACTERS} characters.")
        tokens = [(str(each.lastgroup), each.group()) for each in _TOKEN.finditer(text)]
        _check(tokens)
        plain = [(kind, word) for kind, word in tokens if kind != "space"]
        if not plain or plain[0][1].lower() not in _BEGINNINGS:
            raise InvalidInput("The statement must be one SELECT.")
        pairs = list(pairwise(plain))
        names = frozenset(_name(*each) for each in plain if each[0] in _NAMES)
        called = frozenset(_name(*one) for one, after in pairs if after[1] == "(")
        dotted = frozenset(_name(*one) for before, one in pairs if before[1] == ".")
        return cls(text, names, called & names, dotted & names)


def _check(tokens: list[tuple[str, str]]) -> None:
    depth = 0
    for number, (kind, word) in enumerate(tokens):
        if kind == "comment":
            raise InvalidInput("The statement has a comment; leave it out.")
        if kind == "refused":
            raise InvalidInput(f"The statement has {word!r} outside of a text; write one SELECT.")
        before = tokens[number - 1] if number else ("", "")
        if word[0] in "'\"&" and before[1].lower() in _ESCAPED:
            raise InvalidInput("The statement has a text with escapes; write it plainly.")
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth < 0:
            break
    if depth:
        raise InvalidInput("The parentheses of the statement do not match.")


def _name(kind: str, word: str) -> str:
    name = word[1:-1].replace('""', '"') if kind == "quoted" else word.lower()
    return name.encode()[:_MOST_NAME_BYTES].decode(errors="ignore")
