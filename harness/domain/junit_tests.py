"""From testcase elements to tests with attempts: each dialect tells of repetitions otherwise."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from harness.domain.attempt import AttemptResult, Failure, Phase, PhaseName, Verdict
from harness.domain.foreign import ForeignAttachment, ForeignAttempt, ForeignTest
from harness.domain.foreign_id import foreign_id, pytest_id
from harness.domain.ids import TestId
from harness.domain.junit_element import JUnitCase, JUnitChild
from harness.domain.stack_text import failure_of, is_timeout

ATTEMPTS = 100
"""Of one test."""
_UNTOLD = "Another attempt followed. pytest's JUnit does not say how this one failed."
_HIDDEN = Failure("HiddenFailure", _UNTOLD, text=_UNTOLD)

_ATTACHMENT = re.compile(r"\[\[ATTACHMENT\|([^\]\n]{1,1000})\]\]\n?")
_FIXTURE = re.compile(r'failed on (setup|teardown) with "(.*)"?', re.DOTALL)
_SCRIPT = re.compile(r"\.[cm]?[jt]sx?$")
_NOT_RUN = frozenset({"notrun", "disabled", "suppressed", "ignored"})


@dataclass(slots=True)
class _Parts:
    """A test that further elements may still add to."""

    first: JUnitCase
    attempts: list[ForeignAttempt]


@dataclass(slots=True)
class JUnitTests:
    """Gathers elements of one name into one test."""

    _found: dict[TestId, _Parts] = field(default_factory=dict)
    _hidden: int = 0
    _repeated: int = 0

    def add(self, case: JUnitCase) -> None:
        """Take in the next element."""
        attempts = list(_attempts(case))
        known = self._found.setdefault(test_id(case), _Parts(case, []))
        if known.attempts and _is_teardown(case):
            known.attempts[-1] = _torn(known.attempts[-1], attempts[-1])
            return
        if known.attempts:
            self._repeated += 1
            self._reveal(case, known)
        known.attempts += attempts
        del known.attempts[ATTEMPTS:]
        _forget(case)

    def tests(self) -> tuple[ForeignTest, ...]:
        """In the order of their first elements."""
        return tuple(_test(test_id, parts) for test_id, parts in self._found.items())

    def notes(self) -> Iterator[str]:
        """What was made of repetitions."""
        if self._hidden:
            yield (
                "Attempts that look passed although another one followed were taken for failures, "
                f"which pytest's JUnit hides ({self._hidden})."
            )
        elif self._repeated:
            yield f"Elements that repeat a test were taken for its attempts ({self._repeated})."

    def _reveal(self, case: JUnitCase, known: _Parts) -> None:
        """Pytest runs a test again only after a failure, and does not show that failure."""
        last = known.attempts[-1].result
        if case.dialect == "pytest" and last.verdict is Verdict.PASSED:
            self._hidden += 1
            known.attempts[-1] = replace(known.attempts[-1], result=_failed(last, _HIDDEN))


def test_id(case: JUnitCase) -> TestId:
    """The id of the test that an element tells of."""
    if case.dialect:
        return pytest_id(case.classname, case.name, case.file)
    is_script = case.suite.name == case.classname and _SCRIPT.search(case.suite.name)
    # Playwright gives the project as the host.
    return foreign_id(
        case.suite.name, case.classname, case.name, case.suite.host if is_script else ""
    )


test_id.__test__ = False  # type: ignore[attr-defined]  # pytest would collect it by its name


def _test(test_id: TestId, parts: _Parts) -> ForeignTest:
    case = parts.first
    file = case.file or case.suite.file
    if case.dialect and not file:
        path = test_id.partition("::")[0]
        file = path if path.endswith(".py") else ""
    if not file and _SCRIPT.search(case.suite.name):
        file = case.suite.name
    line = int(case.line) if case.line.isascii() and case.line.isdecimal() else None
    if line is not None and case.dialect == "pytest":
        line += 1  # it counts from 0
    return ForeignTest(
        id=test_id,
        name=case.name,
        classname=case.classname,
        suite=case.suite.name,
        file=file.replace("\\", "/"),
        line=line if line and line < 1 << 31 else None,
        attempts=tuple(_explained(parts.attempts)),
    )


def _explained(attempts: list[ForeignAttempt]) -> Iterator[ForeignAttempt]:
    """What pytest hides is explained by how the test failed at last, if it did."""
    last = attempts[-1].result.failure if attempts else None
    for attempt in attempts:
        if last and attempt.result.failure is _HIDDEN:
            told = replace(last, text=f"{_UNTOLD} The last one said:\n{last.text}")
            yield replace(attempt, result=_failed(attempt.result, told))
        else:
            yield attempt


def _failed(result: AttemptResult, failure: Failure) -> AttemptResult:
    phase = Phase("call", "failed", result.seconds, failure)
    return replace(result, verdict=Verdict.FAILED, phases=(phase,))


def _forget(case: JUnitCase) -> None:
    """Only its names are needed from now on."""
    case.children, case.stdout, case.stderr, case.properties = [], "", "", {}


def _attempts(case: JUnitCase) -> Iterator[ForeignAttempt]:
    if _was_not_run(case):
        return
    yield from (_attempt(case, [child], child) for child in case.of("flakyFailure", "flakyError"))
    yield _attempt(case, case.of("failure", "error", "skipped"), None)
    yield from (_attempt(case, [child], child) for child in case.of("rerunFailure", "rerunError"))


def _was_not_run(case: JUnitCase) -> bool:
    skipped = case.of("skipped")
    if skipped and skipped[0].kind == "ath.not_run":
        return True
    return case.status.lower() in _NOT_RUN and not case.children


def _attempt(case: JUnitCase, told: list[JUnitChild], own: JUnitChild | None) -> ForeignAttempt:
    """One attempt; `own` is the element with its own output, if it has one."""
    source = own or case
    seconds = own.seconds if own else case.seconds
    out, attachments = _attachments(source.stdout)
    sections = [(title, text) for title, text in
                (("stdout", out), ("stderr", source.stderr)) if text.strip()]  # fmt: skip
    phases = tuple(_phase(case, child, seconds) for child in told)
    result = AttemptResult(
        verdict=_verdict(case, told),
        seconds=seconds,
        phases=phases or (Phase("call", "passed", seconds),),
        sections=tuple(sections),
        properties={} if own else dict(case.properties),
    )
    return ForeignAttempt(result, attachments)


def _verdict(case: JUnitCase, told: list[JUnitChild]) -> Verdict:
    bad = [child for child in told if child.tag != "skipped"]
    if any(is_timeout(child.kind, child.message) for child in bad):
        return Verdict.TIMED_OUT
    if bad and all(_is_trouble(case, child) for child in bad):
        return Verdict.ERRORED
    if bad:
        return Verdict.FAILED
    if any(child.kind == "ath.cancelled" for child in told):
        return Verdict.CANCELLED
    return Verdict.SKIPPED if told else Verdict.PASSED


def _is_trouble(case: JUnitCase, child: JUnitChild) -> bool:
    """Our own documents alone tell trouble of the infrastructure from that of a test."""
    return case.dialect == "ath" and _place(child) == "worker"


def _place(child: JUnitChild) -> PhaseName:
    if not child.tag.lower().endswith("error"):
        return "call"
    if child.message == "collection failure":
        return "collect"
    found = _FIXTURE.match(child.message)
    if found:
        return "setup" if found.group(1) == "setup" else "teardown"
    return "worker"


def _phase(case: JUnitCase, child: JUnitChild, seconds: float) -> Phase:
    if child.tag == "skipped":
        reason = child.message or child.text.strip()
        return Phase("call", "xfailed" if "xfail" in child.kind else "skipped", seconds, None,
                     reason)  # fmt: skip
    place = _place(child)
    if place == "worker" and not _is_trouble(case, child):
        place = "call"
    found = _FIXTURE.match(child.message)
    message = found.group(2).removesuffix('"') if found and place != "call" else child.message
    kind = "" if child.kind == "ath.timed_out" else child.kind
    return Phase(place, "failed", seconds, failure_of(kind, message, child.text or message))


def _is_teardown(case: JUnitCase) -> bool:
    """Pytest gives a test that fails, and whose teardown fails too, a second element."""
    told = case.of("error")
    return len(case.children) == len(told) == 1 and case.dialect != "" and (
        _place(told[0]) == "teardown"
    )  # fmt: skip


def _torn(first: ForeignAttempt, late: ForeignAttempt) -> ForeignAttempt:
    result = first.result
    whole = replace(
        result,
        verdict=Verdict.FAILED if not result.verdict.is_bad else result.verdict,
        seconds=result.seconds + late.result.seconds,
        phases=(*result.phases, *late.result.phases),
        sections=result.sections or late.result.sections,
        properties={**late.result.properties, **result.properties},
    )
    return replace(first, result=whole)


def _attachments(stdout: str) -> tuple[str, tuple[ForeignAttachment, ...]]:
    """Output without Playwright's marks, and what they name."""
    if "[[ATTACHMENT|" not in stdout:
        return stdout, ()
    paths = dict.fromkeys(_ATTACHMENT.findall(stdout))
    named = [ForeignAttachment(path, path.replace("\\", "/").rpartition("/")[2]) for path in paths]
    return _ATTACHMENT.sub("", stdout).strip("\n"), tuple(named[:100])
