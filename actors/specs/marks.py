"""Who cares about a test, as marks and as properties of its result."""

from collections.abc import Sequence

import pytest

from actors.specs.facts import Facts
from actors.specs.spec import Spec


def apply_marks(item: pytest.Item) -> None:
    """Give an item the tags of its nearest `ath` marks as marks of their own."""
    tags: list[str] = []
    facts: dict[str, str] = {}
    for mark in item.iter_markers("ath"):
        tags += [str(tag) for tag in mark.kwargs.get("tags", ())]
        for name in ("id", "owner", "severity"):
            if mark.kwargs.get(name):
                facts.setdefault(name, str(mark.kwargs[name]))
    for tag in dict.fromkeys(tags):
        item.add_marker(_mark(item.config, tag))
    known = {name for name, _ in item.user_properties}
    facts["tags"] = ",".join(dict.fromkeys(tags))
    item.user_properties += [
        (f"ath.{name}", value)
        for name, value in facts.items()
        if value and f"ath.{name}" not in known
    ]


def marks_of(spec: Spec, test: Facts, name: str) -> Sequence[pytest.MarkDecorator]:
    """The marks of one test of a spec; its tags follow from them."""
    facts = {
        "id": name,
        "owner": test.owner or spec.owner,
        "severity": test.severity or spec.severity,
        "tags": (*spec.tags, *test.tags),
    }
    found = [pytest.mark.ath(**{name: value for name, value in facts.items() if value})]
    if test.skip is not None:
        found.append(pytest.mark.skip(reason=test.skip))
    return found


def _mark(config: pytest.Config, tag: str) -> pytest.MarkDecorator:
    # A tag is chosen by the suite's author: pytest must not call it unknown.
    if not any(line.partition(":")[0].strip() == tag for line in config.getini("markers")):
        config.addinivalue_line("markers", f"{tag}: a tag")
    mark: pytest.MarkDecorator = getattr(pytest.mark, tag)
    return mark
