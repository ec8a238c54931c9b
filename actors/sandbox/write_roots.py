"""What processes may change or read on the user's own machine: all but the platform's files."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def roots_without(roots: Iterable[str], protected: Path) -> Sequence[str]:
    """The roots, each that holds a protected folder replaced by what else is in it."""
    found: list[str] = []
    for root in roots:
        if protected.resolve().is_relative_to(root):
            beside = everything_but(protected)
            found += [path for path in beside if Path(path).is_relative_to(root)]
        else:
            found.append(root)
    return found


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
