"""Allure results: a folder with a JSON file per attempt, containers of fixtures, attachments."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.domain.attempt import AttemptResult, Phase, PhaseName, Verdict
from harness.domain.capped_text import TextBudget, cut
from harness.domain.foreign import (
    DEFAULT_LIMITS,
    ForeignAttachment,
    ForeignAttempt,
    ForeignResults,
    ForeignTest,
    ReadLimits,
)
from harness.domain.foreign_id import foreign_id, pytest_id
from harness.domain.json_reader import Json, JsonReader
from harness.domain.json_value import moment_of, number_of, objects_of, text_of
from harness.domain.report_archive import ReportArchive
from harness.domain.stack_text import failure_of, is_timeout
from harness.errors import TooLarge

RESULT = "-result.json"
CONTAINER = "-container.json"
_FILE_BYTES = 8 << 20
_FIXTURES = 50
"""Failed ones, of one attempt."""
_DEPTH = 20
_WANTED = frozenset(
    {
        *("uuid", "name", "fullName", "historyId", "status", "statusDetails", "message", "trace"),
        *("start", "stop", "labels", "value", "parameters", "mode", "excluded", "attachments"),
        *("source", "type", "steps", "children", "befores", "afters"),
    }
)
_VERDICTS = {
    "passed": Verdict.PASSED,
    "failed": Verdict.FAILED,
    "broken": Verdict.FAILED,
    "skipped": Verdict.SKIPPED,
}
_LABELS = frozenset({"owner", "severity", "tag", "epic", "feature", "story"})

Object = Mapping[str, Json]


@dataclass(slots=True)
class _Gathered:
    """Attempts of one test, each with its start."""

    test: ForeignTest
    attempts: list[tuple[float, ForeignAttempt]] = field(default_factory=list)


def read_allure(
    files: ReportArchive, folder: str = "", limits: ReadLimits = DEFAULT_LIMITS
) -> ForeignResults:
    """What the results of one folder say; attachments are named as that folder's files.

    Raises:
        InvalidInput: a file is damaged; names it.
        TooLarge: a limit is exceeded, which the message names.
    """
    mine = [name for name in files.names() if name.rpartition("/")[0] == folder]
    budget = TextBudget("The Allure results", limits.all_characters)
    small = replace(limits, bytes=_FILE_BYTES)
    torn = _torn(files, mine, small, budget)
    found: dict[str, _Gathered] = {}
    tool, starts = "", []
    for name in mine:
        if not name.endswith(RESULT):
            continue
        data = _read(files, name, small, budget)
        labels = _labels(data)
        tool = tool or cut(labels.get("framework", ""), 100)
        test = _test(data, labels)
        gathered = found.setdefault(_history(data, test), _Gathered(test))
        start = number_of(data.get("start"))
        starts.append(start)
        gathered.attempts.append((start, _attempt(data, labels, torn)))
        if len(starts) > limits.tests:
            raise TooLarge(f"There are more than {limits.tests} Allure results. Import fewer.")
    begun = min((start for start in starts if start), default=0.0)
    tests = tuple(_merged(found.values()))
    return ForeignResults(tests, tool, moment_of(begun))


def _read(files: ReportArchive, name: str, limits: ReadLimits, budget: TextBudget) -> Object:
    reader = JsonReader(files.open(name), name, limits)
    reader.budget = budget
    data = reader.value(_WANTED)
    reader.end()
    return data if isinstance(data, dict) else {}


def _torn(
    files: ReportArchive, names: Sequence[str], limits: ReadLimits, budget: TextBudget
) -> Mapping[str, list[Phase]]:
    """Teardowns that failed, by the uuid of the result that they belong to.

    A setup that failed stands in the result itself.
    """
    found: dict[str, list[Phase]] = {}
    for name in names:
        if not name.endswith(CONTAINER):
            continue
        data = _read(files, name, limits, budget)
        bad = [
            replace(
                _phase(Verdict.FAILED, fixture, 0.0),
                name="teardown",
                label=cut(text_of(fixture.get("name")), 200),
            )
            for fixture in objects_of(data.get("afters"))
            if text_of(fixture.get("status")) in {"failed", "broken"}
        ]
        children = data.get("children")
        for child in children if bad and isinstance(children, list) else []:
            known = found.setdefault(text_of(child), [])
            known += bad[: _FIXTURES - len(known)]
    return found


def _test(data: Object, labels: Mapping[str, str]) -> ForeignTest:
    limit = DEFAULT_LIMITS.name_characters
    name, full = cut(text_of(data.get("name")), limit), cut(text_of(data.get("fullName")), limit)
    suites = [labels[kind] for kind in ("parentSuite", "suite", "subSuite") if kind in labels]
    if labels.get("framework") == "pytest":
        owner = full.partition("#")[0].partition("[")[0]
        owner = owner.removesuffix("." + name.partition("[")[0])
        return ForeignTest(pytest_id(owner, name), name, owner, file=_file(owner, name))
    owner = full.removesuffix(name).rstrip(" .#:>\u203a\u00bb") if full.endswith(name) else ""
    shown = owner or cut(" > ".join(suites), limit)
    return ForeignTest(foreign_id("", shown, name, _parameters(data)), name, shown)


def _file(owner: str, name: str) -> str:
    path = pytest_id(owner, name).partition("::")[0]
    return path if path.endswith(".py") else ""


def _history(data: Object, test: ForeignTest) -> str:
    return text_of(data.get("historyId"))[:200] or test.id


def _attempt(
    data: Object, labels: Mapping[str, str], torn: Mapping[str, list[Phase]]
) -> ForeignAttempt:
    verdict = _verdict(data)
    seconds = max(0.0, number_of(data.get("stop")) - number_of(data.get("start"))) / 1000
    phases = [_phase(verdict, data, seconds)]
    if verdict.is_bad:
        said = [phase.failure and phase.failure.message for phase in phases]
        late = torn.get(text_of(data.get("uuid")), [])
        phases += [each for each in late if each.failure and each.failure.message not in said]
    lines = list(_steps(data.get("steps"), 0))
    steps = cut("\n".join(lines), DEFAULT_LIMITS.text_characters)
    properties = {kind: value for kind, value in labels.items() if kind in _LABELS}
    result = AttemptResult(
        verdict,
        seconds if seconds < 1e9 else 0.0,
        tuple(phases),
        (("steps", steps),) if steps else (),
        properties,
    )
    return ForeignAttempt(result, tuple(_attachments(data, 0))[:100])


def _verdict(data: Object) -> Verdict:
    verdict = _VERDICTS.get(text_of(data.get("status")), Verdict.ERRORED)
    is_late = verdict.is_bad and is_timeout("", _details(data)[0])
    return Verdict.TIMED_OUT if is_late else verdict


def _details(data: Object) -> tuple[str, str]:
    """Message and trace."""
    details = data.get("statusDetails")
    told = details if isinstance(details, dict) else {}
    return text_of(told.get("message")), text_of(told.get("trace"))


def _phase(verdict: Verdict, data: Object, seconds: float) -> Phase:
    message, trace = _details(data)
    match verdict:
        case Verdict.PASSED:
            return Phase("call", "passed", seconds)
        case Verdict.SKIPPED:
            return Phase("call", "skipped", seconds, reason=message)
        case _:
            said = message or f"The report says {text_of(data.get('status')) or 'nothing'}."
            place: PhaseName = "worker" if verdict is Verdict.ERRORED else "call"
            return Phase(place, "failed", seconds, failure_of("", said, trace or said))


def _steps(found: Json, depth: int) -> Iterator[str]:
    for step in objects_of(found) if depth < _DEPTH else ():
        status = text_of(step.get("status")) or "-"
        yield f"{'  ' * depth}{status}  {cut(text_of(step.get('name')), 300)}"
        yield from _steps(step.get("steps"), depth + 1)


def _attachments(data: Object, depth: int) -> Iterator[ForeignAttachment]:
    for each in objects_of(data.get("attachments")):
        source = cut(text_of(each.get("source")), 300)
        # A source is the name of a file in the same folder and nothing else.
        if source and "/" not in source and "\\" not in source:
            kind = cut(text_of(each.get("type")), 100)
            yield ForeignAttachment(source, cut(text_of(each.get("name")), 200), kind)
    for step in objects_of(data.get("steps")) if depth < _DEPTH else ():
        yield from _attachments(step, depth + 1)


def _labels(data: Object) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for label in objects_of(data.get("labels")):
        name, value = cut(text_of(label.get("name")), 100), cut(text_of(label.get("value")), 500)
        if name and value:
            found[name] = f"{found[name]} {value}" if name == "tag" and name in found else value
    return found


def _parameters(data: Object) -> str:
    told = [
        text_of(each.get("value"))
        for each in objects_of(data.get("parameters"))
        if each.get("excluded") is not True and each.get("mode") not in {"hidden", "masked"}
    ]
    return cut(", ".join(told), 300)


def _merged(found: Iterable[_Gathered]) -> Iterator[ForeignTest]:
    """Tests, attempts in the order of their starts; tests of one id become one."""
    tests: dict[str, ForeignTest] = {}
    for gathered in sorted(found, key=lambda each: each.attempts[0][0]):
        ordered = tuple(a for _, a in sorted(gathered.attempts, key=lambda each: each[0]))
        known = tests.get(gathered.test.id)
        earlier = known.attempts if known else ()
        tests[gathered.test.id] = replace(gathered.test, attempts=(*earlier, *ordered)[:100])
    yield from tests.values()
