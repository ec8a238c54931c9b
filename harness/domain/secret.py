"""Secrets as everybody but their store and the suites that use them may see them."""

import re
from dataclasses import dataclass
from datetime import datetime

from harness.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
SHORTEST, LONGEST = 4, 32 * 1024
"""Of a value, in bytes: a shorter one occurs everywhere by chance, so it could not be hidden."""
MOST_OF_RUN = 64
"""Secrets that one run may use."""


@dataclass(frozen=True, slots=True)
class Secret:
    """That there is a secret; its value is nowhere but in its store."""

    name: str
    updated_at: datetime
    updated_by: str


def check_secret_name(name: str) -> None:
    """Refuse what could not be the name of an environment variable, or is one of the platform's.

    Raises:
        InvalidInput: says what a name is made of.
    """
    if not _NAME.fullmatch(name) or name.upper().startswith("ATH_"):
        raise InvalidInput(
            f"{name!r} cannot name a secret. Use letters, digits and underscores, as for an "
            "environment variable; names of the platform's own (ATH_…) are taken."
        )


def check_secret_value(name: str, value: str) -> None:
    """Refuse what could not be set as a variable or be kept out of logs; never quotes the value.

    Raises:
        InvalidInput: says what is wrong.
    """
    try:
        size = len(value.encode())
    except UnicodeEncodeError as wrong:
        raise InvalidInput(f"The value of {name} is no Unicode text.") from wrong
    if not SHORTEST <= size <= LONGEST:
        raise InvalidInput(
            f"The value of {name} has {size} bytes; {SHORTEST} to {LONGEST} are possible. "
            "A shorter one occurs in any output by chance."
        )
    if "\0" in value or not value.strip():
        raise InvalidInput(f"The value of {name} is blank or holds a null character.")
