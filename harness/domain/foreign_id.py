"""The id of a test that another tool named: stable, short, and a node id where pytest ran it."""

import re

from harness.domain.capped_text import cut_name
from harness.domain.ids import TestId

ID_BYTES = 1_000
"""A database index takes no more than some 2,600."""

_MODULE = re.compile(r"test_\w*|\w+_test|tests?")
_WORDLESS = re.compile(r"\W+")


def pytest_id(classname: str, name: str, file: str = "") -> TestId:
    """The node id of which pytest made this classname and name, as well as it can be told."""
    path, owners = _split_by_file(classname, file) if file else _split_by_name(classname)
    if not classname:
        return _bounded(_split_by_name(name)[0])
    return _bounded("::".join((path, *owners, name)))


def foreign_id(suite: str, classname: str, name: str, project: str = "") -> TestId:
    """An id made of what every report of the tool says of the test.

    Args:
        suite: innermost suite; part of the id unless the classname says the same.
        classname: as the report says.
        name: as the report says.
        project: what else tells tests of one name apart, such as the browser.
    """
    name, owner = name.strip(), "" if classname == name else classname.strip()
    if suite and not _tells(owner, suite):
        owner = f"{suite} {owner}".strip()
    tail = f"[{project}]" if project else ""
    return _bounded((f"{owner}::{name}" if owner else name) + tail)


def plain_id(told: str) -> TestId:
    """The id that a report gives itself, within bounds."""
    return _bounded(told)


def _tells(owner: str, suite: str) -> bool:
    a, b = _WORDLESS.sub("", owner).lower(), _WORDLESS.sub("", suite).lower()
    return bool(a) and (a in b or b in a)


def _split_by_file(classname: str, file: str) -> tuple[str, list[str]]:
    module = file.replace("/", ".").removesuffix(".py")
    if classname.startswith(f"{module}."):
        return file, classname[len(module) + 1 :].split(".")
    return file, []


def _split_by_name(classname: str) -> tuple[str, list[str]]:
    parts = classname.split(".")
    for last in range(len(parts) - 1, -1, -1):
        if _MODULE.fullmatch(parts[last]):
            return "/".join(parts[: last + 1]) + ".py", parts[last + 1 :]
    return classname, []


def _bounded(name: str) -> TestId:
    return TestId(cut_name(name.replace("\0", "\ufffd") or "(a test without a name)", ID_BYTES))
