"""CTRF reports (Common Test Report Format), the drafts of 0.0 and what calls itself 1.0."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from harness.domain.attempt import AttemptResult, Phase, PhaseName, Verdict
from harness.domain.capped_text import cut
from harness.domain.foreign import (
    DEFAULT_LIMITS,
    ForeignAttachment,
    ForeignAttempt,
    ForeignResults,
    ForeignTest,
    OtherFormat,
    ReadLimits,
)
from harness.domain.foreign_id import foreign_id, plain_id
from harness.domain.ids import TestId
from harness.domain.json_reader import Json, JsonReader
from harness.domain.json_value import moment_of, number_of, objects_of, text_of
from harness.domain.stack_text import failure_of, is_timeout
from harness.errors import InvalidInput, TooLarge

_ATTEMPTS = 100
_WANTED = frozenset(
    {
        *("name", "testId", "status", "rawStatus", "duration", "suite", "message", "trace"),
        *("line", "filePath", "tags", "type", "browser", "retries", "flaky", "retryAttempts"),
        *("extra", "verdict", "stdout", "stderr", "attachments", "contentType", "path", "steps"),
    }
)
_VERDICTS = {
    "passed": Verdict.PASSED,
    "failed": Verdict.FAILED,
    "skipped": Verdict.SKIPPED,
    "pending": Verdict.SKIPPED,
}
_RAW = {
    "timedout": Verdict.TIMED_OUT,
    "cancelled": Verdict.CANCELLED,
    "interrupted": Verdict.CANCELLED,
}


def read_ctrf(
    content: BinaryIO, name: str = "The report", limits: ReadLimits = DEFAULT_LIMITS
) -> ForeignResults:
    """What the report says, in bounded memory and time.

    Args:
        content: the document.
        name: what errors call it, such as its path.
        limits: how much to read.

    Raises:
        InvalidInput: it is no CTRF report, or is damaged (says where).
        TooLarge: it exceeds a limit, which the message names.
    """
    reader = JsonReader(content, name, limits)
    report = _Report(reader)
    try:
        for key in reader.object():
            report.take(key)
        reader.end()
    except InvalidInput as wrong:
        if report.has_tests:
            raise
        # Somebody's settings, perhaps, in a folder with reports.
        raise OtherFormat(str(wrong)) from wrong
    return report.results()


@dataclass(slots=True)
class _Report:
    reader: JsonReader
    _format: Json = None
    _generator: str = ""
    _tool: str = ""
    _start: Json = None
    has_tests: bool = False
    _found: dict[TestId, ForeignTest] = field(default_factory=dict)
    _repeated: int = 0

    def take(self, key: str) -> None:
        """A member of the document."""
        if key == "results":
            for inner in self.reader.object():
                self._take_result(inner)
        elif key == "reportFormat":
            self._format = self.reader.value(())
        elif key == "generatedBy":
            self._generator = text_of(self.reader.value(()))
        else:
            self.reader.skip()

    def results(self) -> ForeignResults:
        """What was told."""
        if not self.has_tests or self._format not in {None, "CTRF"}:
            raise OtherFormat(
                f"{self.reader.name} is no CTRF report: it has no results.tests. Name a report "
                'with "reportFormat": "CTRF".'
            )
        notes = []
        if self._repeated:
            notes.append(
                f"Tests of one name were taken for attempts of one test ({self._repeated})."
            )
        if self.reader.budget.is_exceeded:
            notes.append("The report holds too much output; what came later was cut.")
        return ForeignResults(
            tests=tuple(self._found.values()),
            tool=self._tool,
            started_at=moment_of(self._start),
            notes=tuple(notes),
        )

    def _take_result(self, key: str) -> None:
        if key == "tests":
            self.has_tests = True
            for index in self.reader.array():
                if index >= self.reader.limits.tests:
                    raise TooLarge(
                        f"{self.reader.name} has more than {self.reader.limits.tests} tests. "
                        "Split the report."
                    )
                self._add(self.reader.value(_WANTED))
        elif key == "tool":
            self._tool = cut(text_of(_of(self.reader.value({"name"}), "name")), 100)
        elif key == "summary":
            self._start = _of(self.reader.value({"start"}), "start")
        else:
            self.reader.skip()

    def _add(self, data: Json) -> None:
        if not isinstance(data, dict):
            raise InvalidInput(f"{self.reader.name} is no CTRF report: a test is no object.")
        test = _test(data, self.reader.limits.name_characters)
        known = self._found.get(test.id)
        if known:
            self._repeated += 1
            merged = (*known.attempts, *test.attempts)[:_ATTEMPTS]
            test = ForeignTest(
                known.id, known.name, known.classname, known.suite, known.file, known.line, merged
            )
        self._found[test.id] = test


def _test(data: Mapping[str, Json], characters: int) -> ForeignTest:
    name = cut(text_of(data.get("name")), characters)
    suites = data.get("suite")
    parts = [text_of(part) for part in suites] if isinstance(suites, list) else [text_of(suites)]
    suite = cut(" > ".join(part for part in parts if part), characters)
    told, line = text_of(data.get("testId")), data.get("line")
    return ForeignTest(
        id=plain_id(told or name) if told or "::" in name else foreign_id(suite, "", name),
        name=name,
        suite=suite,
        file=cut(text_of(data.get("filePath")).replace("\\", "/"), characters),
        line=int(line) if isinstance(line, float) and 0 < line < 1 << 31 else None,
        attempts=tuple(_attempts(data)),
    )


def _attempts(data: Mapping[str, Json]) -> Iterator[ForeignAttempt]:
    if text_of(data.get("rawStatus")) == "not_run":
        return
    told = objects_of(data.get("retryAttempts"))
    yield from (_attempt(each, {}) for each in told[: _ATTEMPTS - 1])
    if not told and data.get("flaky") is True and data.get("status") == "passed":
        yield _attempt({"status": "failed", "message": "An attempt before this one failed."}, {})
    yield _attempt(data, _properties(data))


def _attempt(data: Mapping[str, Json], properties: Mapping[str, str]) -> ForeignAttempt:
    verdict = _verdict(data)
    duration = number_of(data.get("duration"))
    seconds = duration / 1000 if 0 <= duration < 1e12 else 0.0
    message, trace = text_of(data.get("message")), text_of(data.get("trace"))
    if verdict.is_bad or verdict is Verdict.ERRORED:
        place: PhaseName = "worker" if verdict is Verdict.ERRORED else "call"
        said = message or f"The report says {text_of(data.get('rawStatus')) or data.get('status')}."
        phase = Phase(place, "failed", seconds, failure_of("", said, trace or said))
    elif verdict is Verdict.PASSED:
        phase = Phase("call", "passed", seconds)
    else:
        phase = Phase("call", "skipped", seconds, reason=message)
    sections = [(title, text) for title in ("stdout", "stderr") if (text := _lines(data, title))]
    steps = _steps(data.get("steps"))
    result = AttemptResult(
        verdict,
        seconds,
        (phase,),
        (*sections, *((("steps", steps),) if steps else ())),
        properties,
    )
    return ForeignAttempt(result, tuple(_attachments(data.get("attachments"))))


def _verdict(data: Mapping[str, Json]) -> Verdict:
    told = text_of(data.get("rawStatus")) or text_of(_of(data.get("extra"), "verdict"))
    raw = told.lower().replace("_", "")
    if raw in _RAW:
        return _RAW[raw]
    verdict = _VERDICTS.get(text_of(data.get("status")), Verdict.ERRORED)
    is_late = verdict.is_bad and is_timeout("", text_of(data.get("message")))
    return Verdict.TIMED_OUT if is_late else verdict


def _lines(data: Mapping[str, Json], name: str) -> str:
    found = data.get(name)
    text = "\n".join(map(text_of, found)) if isinstance(found, list) else text_of(found)
    return cut(text, DEFAULT_LIMITS.text_characters)


def _steps(found: Json) -> str:
    told = (f"{text_of(s.get('status'))}  {text_of(s.get('name'))}" for s in objects_of(found))
    return cut("\n".join(told), DEFAULT_LIMITS.text_characters)


def _attachments(found: Json) -> Iterator[ForeignAttachment]:
    for each in objects_of(found)[:_ATTEMPTS]:
        path = cut(text_of(each.get("path")), 1000)
        if path:
            name, kind = text_of(each.get("name")), text_of(each.get("contentType"))
            yield ForeignAttachment(path, cut(name, 200), cut(kind, 100))


def _properties(data: Mapping[str, Json]) -> Mapping[str, str]:
    found = {name: cut(text_of(data.get(name)), 200) for name in ("type", "browser")}
    tags = data.get("tags")
    found["tags"] = cut(" ".join(map(text_of, tags)), 1000) if isinstance(tags, list) else ""
    return {name: value for name, value in found.items() if value}


def _of(data: Json, name: str) -> Json:
    return data.get(name) if isinstance(data, dict) else None
