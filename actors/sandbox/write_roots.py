"""What a user's own suite may change on the user's own machine: all but the platform's files."""

from collections.abc import Sequence
from pathlib import Path


def everything_but(protected: Path) -> Sequence[str]:
    """Roots that cover the file system except one folder.

    Landlock only allows, so each level above the folder is opened child by child; new entries
    directly in one of those levels are refused, too.
    """
    roots: list[str] = []
    below = protected.resolve()
    for level in below.parents:
        roots += [str(child) for child in level.iterdir() if child != below]
        below = level
    return sorted(roots)
