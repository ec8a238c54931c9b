"""JUnit XML as other tools write it: pytest, Surefire, Gradle, Playwright, jest, Go and more."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

from harness.domain.capped_text import CappedText, TextBudget, cut
from harness.domain.foreign import DEFAULT_LIMITS, ForeignResults, OtherFormat, ReadLimits
from harness.domain.junit_element import JUnitCase, JUnitChild, JUnitSuite
from harness.domain.junit_tests import JUnitTests
from harness.domain.xml_stream import Damaged, parse_xml
from harness.errors import InvalidInput, TooLarge

_CHILDREN = frozenset(
    {"failure", "error", "skipped", "rerunFailure", "rerunError", "flakyFailure", "flakyError"}
)
_TEXTS = frozenset({"system-out", "system-err", "stackTrace"})
_PROPERTIES = 100
_PARTS = 100
"""Of one test: failures, reruns."""
_ATTRIBUTE = 8 * 1024


def read_junit(
    content: BinaryIO, name: str = "The report", limits: ReadLimits = DEFAULT_LIMITS
) -> ForeignResults:
    """What the document says; reads it once, from its start, in bounded memory and time.

    Args:
        content: the document.
        name: what errors call it, such as its path.
        limits: how much to read.

    Raises:
        InvalidInput: it is no JUnit XML, is damaged (says where, and how many tests stand before
            that place), or declares a document type or entities.
        TooLarge: it exceeds a limit, which the message names.
    """
    document = _Document(name, limits)
    try:
        parse_xml(content, document, name, limits)
    except Damaged as damaged:
        if not document.has_begun:
            raise OtherFormat(
                f"{name} is no XML ({damaged} at line {damaged.line}). Name a JUnit report."
            ) from damaged
        raise InvalidInput(
            f"{name} is damaged at line {damaged.line}, column {damaged.column} ({damaged}). "
            f"{document.cases} test cases could be read before that. Let the tool that writes "
            "it come to its end, then try again."
        ) from damaged
    return document.results()


@dataclass(slots=True)
class _Document:
    """Listens to the parser; hands on every test case as soon as it is complete."""

    name: str
    limits: ReadLimits
    cases: int = 0
    has_begun: bool = False
    """Whether any element was read."""
    _budget: TextBudget = field(init=False)
    _tests: JUnitTests = field(default_factory=JUnitTests)
    _open: list[str] = field(default_factory=list)
    _suites: list[JUnitSuite] = field(default_factory=list)
    _case: JUnitCase | None = None
    _child: JUnitChild | None = None
    _text: CappedText | None = None
    _properties: dict[str, str] = field(default_factory=dict)
    _property: str = ""
    _started: datetime | None = None
    _tool: str = ""

    def __post_init__(self) -> None:
        self._budget = TextBudget(self.name, self.limits.all_characters)

    def opened(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if not self._open and tag not in {"testsuites", "testsuite"}:
            raise OtherFormat(
                f"{self.name} is no JUnit XML: it begins with <{cut(tag, 60)}> instead of "
                "<testsuites> or <testsuite>. Name a JUnit report."
            )
        self.has_begun = True
        self._open.append(tag)
        if tag in {"testsuites", "testsuite"}:
            self._open_suite(tag, attributes)
        elif tag == "testcase":
            self._open_case(attributes)
        elif tag == "property":
            self._open_property(attributes)
        elif self._case is not None:
            self._open_part(self._case, tag, attributes)

    def said(self, text: str) -> None:
        """A piece of text."""
        if self._text is not None:
            self._text.add(text)

    def closed(self, tag: str) -> None:
        """An element ends."""
        self._open.pop()
        if tag == "testsuite" and self._suites:
            self._suites.pop()
        elif tag == "testcase" and self._case is not None:
            self._tests.add(self._case)
            self._case = self._child = self._text = None
        elif tag == "property":
            self._close_property()
        elif tag in _CHILDREN and self._child is not None:
            self._close_child(self._child)
        elif tag in _TEXTS:
            self._close_text(tag)

    def results(self) -> ForeignResults:
        """What was told, after the document's end."""
        return ForeignResults(
            tests=self._tests.tests(),
            tool=self._tool,
            started_at=self._started,
            properties=self._properties,
            notes=tuple(self._notes()),
        )

    def _open_suite(self, tag: str, attributes: dict[str, str]) -> None:
        name = cut(attributes.get("name", ""), 500)
        self._tool = self._tool or _tool(name)
        started = _moment(attributes.get("timestamp", ""))
        if started and (self._started is None or started < self._started):
            self._started = started
        if tag == "testsuite":
            host = cut(attributes.get("hostname", ""), 200)
            file = cut(attributes.get("file", "") or attributes.get("filepath", ""), 1000)
            self._suites.append(JUnitSuite(name, host, file))

    def _open_case(self, attributes: dict[str, str]) -> None:
        if self._case is not None:
            raise InvalidInput(f"{self.name} is no JUnit XML: a <testcase> stands in another one.")
        self.cases += 1
        if self.cases > self.limits.tests:
            raise TooLarge(
                f"{self.name} has more than {self.limits.tests} test cases. Split the report."
            )
        suite = self._suites[-1] if self._suites else JUnitSuite()
        size = self.limits.name_characters
        self._case = JUnitCase(
            suite=suite,
            name=self._budget.cut(attributes.get("name", ""), size),
            classname=self._budget.cut(attributes.get("classname", ""), size),
            file=self._budget.cut(attributes.get("file", ""), size),
            line=attributes.get("line", "")[:12],
            seconds=seconds_of(attributes.get("time", "")),
            status=attributes.get("status", "")[:40] or attributes.get("result", "")[:40],
            dialect=self._dialect(),
        )

    def _dialect(self) -> str:
        if "ath.run" in self._properties:
            return "ath"
        return "pytest" if self._suites and self._suites[-1].name == "pytest" else ""

    def _open_property(self, attributes: dict[str, str]) -> None:
        self._property = cut(attributes.get("name", ""), 200)
        value = attributes.get("value")
        self._text = None if value is not None else CappedText(_ATTRIBUTE)
        self._keep_property(value or "")

    def _close_property(self) -> None:
        if self._text is not None:
            self._keep_property(self._text.text())
            self._text = None

    def _keep_property(self, value: str) -> None:
        target = self._properties if self._case is None else self._case.properties
        if self._case is None and not self._property.startswith("ath."):
            return  # tools write their whole environment here, with its secrets
        if self._property and (len(target) < _PROPERTIES or self._property in target):
            target[self._property] = self._budget.cut(value, 1000)

    def _open_part(self, case: JUnitCase, tag: str, attributes: dict[str, str]) -> None:
        if tag in _CHILDREN and self._child is None:
            self._child = JUnitChild(
                tag,
                kind=cut(attributes.get("type", ""), 300),
                message=self._budget.cut(attributes.get("message", ""), _ATTRIBUTE),
                seconds=seconds_of(attributes.get("time", "")),
            )
            self._text = CappedText(self.limits.text_characters)
        elif tag in _TEXTS:
            self._keep_text()
            self._text = CappedText(self.limits.text_characters)

    def _close_child(self, child: JUnitChild) -> None:
        if self._case is None or self._open[-1:] != ["testcase"]:
            return
        self._keep_text()
        if len(self._case.children) < _PARTS:
            self._case.children.append(child)
        self._child = None

    def _keep_text(self) -> None:
        """What was said in the child that is open."""
        if self._child is not None and self._text is not None:
            said = self._text.text().strip("\n")
            if said.strip():
                self._child.text = self._budget.cut(said, self.limits.text_characters)
        self._text = None

    def _close_text(self, tag: str) -> None:
        if tag == "stackTrace":
            self._keep_text()
        if self._text is None or self._case is None:
            return
        said = self._budget.cut(self._text.text(), self.limits.text_characters)
        target = self._case if self._child is None else self._child
        if tag == "system-out":
            target.stdout += said if len(target.stdout) < self.limits.text_characters else ""
        else:
            target.stderr += said if len(target.stderr) < self.limits.text_characters else ""
        self._text = None

    def _notes(self) -> Iterator[str]:
        if self._budget.is_exceeded:
            yield (
                f"The report holds more than {self.limits.all_characters} characters of output; "
                "what came later was cut."
            )
        yield from self._tests.notes()


def seconds_of(text: str) -> float:
    """A duration as tools write it, with thousands separated by commas or not."""
    try:
        seconds = float(text[:40].replace(",", ""))
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < 1e9 else 0.0


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text[:40])
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _tool(name: str) -> str:
    return {"pytest tests": "pytest", "pytest": "pytest", "jest tests": "jest"}.get(name, "")
