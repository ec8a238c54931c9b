"""Results as a JUnit document, in pieces, as CI systems read it."""

import re
from collections.abc import Iterator, Sequence

from harness.domain.junit_case import Case, Child, cases
from harness.domain.results import RunResults

_FORBIDDEN = re.compile(
    "[^\u0009\u000a\u000d\u0020-\u007e\u0080-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_VALUE = _TEXT | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


def junit_xml(results: RunResults) -> Iterator[bytes]:
    """The document in UTF-8, one testcase at a time, in the order of collection.

    Names, element kinds and messages are those that pytest itself writes; captured output is
    given for tests that did not simply pass. Characters that XML forbids appear as `#x00`.
    """
    found = [case for test in results.tests for case in cases(test)]
    yield b'<?xml version="1.0" encoding="utf-8"?>\n'
    yield f"<testsuites><testsuite{_attributes(_suite(results, found))}>".encode()
    yield _properties(_of_run(results)).encode()
    for case in found:
        yield _testcase(case).encode()
    yield b"</testsuite></testsuites>\n"


def _suite(results: RunResults, found: Sequence[Case]) -> Sequence[tuple[str, str]]:
    counts = {
        name: sum(case.has(tag) for case in found)
        for name, tag in (("errors", "error"), ("failures", "failure"), ("skipped", "skipped"))
    }
    run = results.run
    seconds = sum(test.seconds for test in results.tests)
    if run.started_at and run.finished_at:
        seconds = (run.finished_at - run.started_at).total_seconds()
    return (
        ("name", run.request.suite.folder),
        *((name, str(count)) for name, count in counts.items()),
        ("tests", str(len(found))),
        ("time", f"{seconds:.3f}"),
        ("timestamp", (run.started_at or run.created_at).isoformat()),
    )


def _of_run(results: RunResults) -> Sequence[tuple[str, str]]:
    request = results.run.request
    environment = request.environment.name if request.environment else None
    named = (
        ("ath.run", results.run_id),
        ("ath.state", results.run.state),
        ("ath.environment", environment),
        ("ath.release", request.release),
    )
    return [(name, value) for name, value in named if value]


def _testcase(case: Case) -> str:
    head = _attributes(
        (("classname", case.classname), ("name", case.name), ("time", f"{case.seconds:.3f}"))
    )
    inside = _properties(case.properties) + "".join(map(_child, case.children))
    return f"<testcase{head}>{inside}</testcase>" if inside else f"<testcase{head}/>"


def _child(child: Child) -> str:
    inside = _visible(child.text).translate(_TEXT) + "".join(map(_child, child.children))
    return f"<{child.tag}{_attributes(child.attributes)}>{inside}</{child.tag}>"


def _properties(named: Sequence[tuple[str, str]]) -> str:
    inside = "".join(f"<property{_attributes((('name', n), ('value', v)))}/>" for n, v in named)
    return f"<properties>{inside}</properties>" if inside else ""


def _attributes(named: Sequence[tuple[str, str]]) -> str:
    return "".join(f' {name}="{_visible(value).translate(_VALUE)}"' for name, value in named)


def _visible(text: str) -> str:
    return _FORBIDDEN.sub(lambda match: f"#x{ord(match.group()):02X}", text)
