"""What was found as a spec that holds now, for people to go on from."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from actors.specs.agents.exploration import Visited
from actors.specs.written import written

_SCHEMA = "# yaml-language-server: $schema=spec.schema.json\n"


def spec_of_pages(url: str, visited: Sequence[Visited]) -> str:
    """One test for each page that says what it is.

    Raises:
        ValueError: none does.
    """
    tests: dict[str, dict[str, object]] = {}
    for each in visited:
        seen = _seen(each)
        if seen:
            test = _test(each, seen, tests)
            tests[str(test["id"])] = test
    if not tests:
        raise ValueError("no page has a title or a heading by which a test could know it")
    host = urlsplit(url).netloc
    return _text({"suite": f"Pages of {host}", **_base(url), "tests": list(tests.values())})


def spec_of_api(url: str, description: Mapping[str, Any]) -> str:  # Any: an OpenAPI document
    """All operations of a described API."""
    info = description.get("info")
    title = info.get("title") if isinstance(info, dict) else None
    parts = urlsplit(url)
    schema = parts.path + (f"?{parts.query}" if parts.query else "")
    entry = {"schema": _literal(schema), "examples": 20}
    suite = _literal(str(title or parts.netloc))[:200]
    return _text({"suite": suite, **_base(url), "openapi": entry})


def is_description(found: object) -> bool:
    """Whether this is an OpenAPI document."""
    return isinstance(found, dict) and ("openapi" in found or "swagger" in found)


def _base(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    return {"base_url": f"{parts.scheme}://{parts.netloc}", "allow": []}


def _seen(visited: Visited) -> dict[str, object]:
    seen: dict[str, object] = {}
    if visited.title:
        seen["title"] = {"equals": _literal(visited.title)}
    if visited.heading:
        name = _literal(visited.heading)
        seen["visible"] = {"role": "heading", "name": name, "exact": True}
    return seen


def _test(
    visited: Visited, seen: Mapping[str, object], known: Mapping[str, object]
) -> dict[str, object]:
    path = _literal(visited.path)
    name = re.sub(r"[^A-Za-z0-9]+", "-", visited.path).strip("-")[:80] or "start"
    number = 2
    unique = name
    while unique in known:
        unique, number = f"{name}-{number}", number + 1
    do = [{"goto": path}, {"expect": dict(seen)}]
    return {"id": unique, "title": f"{path} shows itself", "steps": [{"browser": {"do": do}}]}


def _literal(text: str) -> str:
    """What a page says is no look-up."""
    return text.replace("${", "$${")


def _text(spec: Mapping[str, object]) -> str:
    return _SCHEMA + written(dict(spec))
