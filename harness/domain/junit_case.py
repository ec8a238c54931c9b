"""A test's outcome as JUnit sees it: the elements that pytest writes, retries as Surefire does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.domain.attempt import Attempt, AttemptResult, Failure, Phase, Verdict
from harness.domain.ids import TestId
from harness.domain.results import TestOutcome

MESSAGE_CHARACTERS = 500
_HARMFUL = {Verdict.FAILED, Verdict.TIMED_OUT, Verdict.ERRORED}


@dataclass(frozen=True, slots=True)
class Child:
    """An element inside a testcase."""

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""
    children: tuple["Child", ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A testcase element."""

    classname: str
    name: str
    seconds: float
    children: tuple[Child, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()

    def has(self, tag: str) -> bool:
        """Whether an element of this kind is directly inside."""
        return any(child.tag == tag for child in self.children)


def cases(outcome: TestOutcome) -> Sequence[Case]:
    """The testcase elements of one test.

    One, or two where the test failed and then its teardown too. The first bad attempt tells why
    a test failed; further ones are `rerun…` elements, or `flaky…` ones if the test passed at last.
    """
    classname, name = address(outcome.case.id)
    attempt = _telling(outcome)
    if outcome.case.quarantined is not None and outcome.verdict in _HARMFUL:
        return (_quarantined(outcome, outcome.case.quarantined, attempt),)
    if attempt is None or attempt.result is None:
        return (Case(classname, name, 0.0, (_skipped("ath.not_run", "The test was not run."),)),)
    result = attempt.result
    found = tuple(child for phase in result.phases for child in _of_phase(phase, result.verdict))
    found = found or tuple(_of_verdict(result.verdict))
    again = tuple(_reruns(outcome, attempt))
    properties = tuple(result.properties.items())
    output = tuple(_output(result)) if result.verdict is not Verdict.PASSED else ()
    before, after = _split(result, found)
    if not after:
        whole = (*before, *again, *output)
        return (Case(classname, name, result.seconds, whole, properties),)
    late = sum(phase.seconds for phase in result.phases if phase.name == "teardown")
    return (
        Case(classname, name, max(0.0, result.seconds - late), (*before, *again)),
        Case(classname, name, late, (*after, *output), properties),
    )


def _quarantined(outcome: TestOutcome, why: str, attempt: Attempt | None) -> Case:
    """A failure that no reader of the document shall stumble over."""
    text = outcome.failure.text or outcome.failure.message if outcome.failure else ""
    told = (
        ("type", "ath.quarantined"),
        ("message", _short(f"{outcome.verdict}, but quarantined: {why}")),
    )
    output = tuple(_output(attempt.result)) if attempt and attempt.result else ()
    classname, name = address(outcome.case.id)
    return Case(classname, name, outcome.seconds, (Child("skipped", told, text), *output))


def address(test_id: TestId) -> tuple[str, str]:
    """Classname and name, split as pytest splits a node id."""
    path, colons, rest = test_id.partition("::")
    # A path without a suffix is no file: Go's packages keep their slashes.
    is_file = not colons or "." in path.rpartition("/")[2]
    module = path.replace("/", ".").removesuffix(".py") if is_file else path
    if not colons:
        return "", module
    names, bracket, parameters = rest.partition("[")
    *owners, name = names.split("::")
    return ".".join((module, *owners)), name + bracket + parameters


def _telling(outcome: TestOutcome) -> Attempt | None:
    """The attempt that the testcase shows."""
    ended = [attempt for attempt in outcome.attempts if attempt.result]
    own = [a for a in ended if a.result and a.result.verdict is not Verdict.ERRORED] or ended
    if own and own[-1].result and own[-1].result.verdict.is_bad:
        return next(a for a in own if a.result and a.result.verdict.is_bad)
    return own[-1] if own else None


def _of_phase(phase: Phase, verdict: Verdict) -> Iterator[Child]:
    if phase.failure and phase.outcome in {"failed", "xpassed"}:
        yield _failed(phase, phase.failure, verdict)
    elif phase.outcome == "failed":
        yield _failed(phase, Failure("", phase.reason or f"{phase.name} failed"), verdict)
    elif phase.outcome == "xfailed":
        yield _skipped("pytest.xfail", phase.reason)
    elif phase.outcome == "skipped" and phase.name == "collect":
        yield Child("skipped", (("message", "collection skipped"),), phase.reason)
    elif phase.outcome == "skipped":
        yield _skipped("pytest.skip", phase.reason)


def _failed(phase: Phase, failure: Failure, verdict: Verdict) -> Child:
    text = failure.text or failure.message or failure.exception
    message = _short(failure.message or failure.exception)
    match phase.name:
        case "collect":
            return Child("error", (("message", "collection failure"),), text)
        case "setup" | "teardown":
            told = _short(f'failed on {phase.name} with "{failure.message}"')
            return Child("error", (("message", told),), text)
        case "worker" if verdict is Verdict.ERRORED:
            return Child("error", (("message", message),), text)
        case "worker" if verdict is Verdict.TIMED_OUT:
            return Child("failure", (("type", "ath.timed_out"), ("message", message)), text)
        case _:
            return Child("failure", (("message", message),), text)


def _of_verdict(verdict: Verdict) -> Iterator[Child]:
    """What a result says that has no phase to tell more."""
    match verdict:
        case Verdict.FAILED:
            yield Child("failure", (("message", str(verdict)),))
        case Verdict.TIMED_OUT:
            yield Child("failure", (("type", "ath.timed_out"), ("message", str(verdict))))
        case Verdict.ERRORED:
            yield Child("error", (("message", str(verdict)),))
        case Verdict.SKIPPED:
            yield _skipped("pytest.skip", "")
        case Verdict.CANCELLED:
            yield _skipped("ath.cancelled", "The run was cancelled.")
        case Verdict.PASSED | Verdict.FLAKY:
            return


def _split(
    result: AttemptResult, found: tuple[Child, ...]
) -> tuple[tuple[Child, ...], tuple[Child, ...]]:
    """Before and after teardown, if both went wrong: the schema allows a testcase one of them."""
    torn = [child for phase in result.phases if phase.name == "teardown" for child in
            _of_phase(phase, result.verdict)]  # fmt: skip
    before = found[: len(found) - len(torn)]
    if torn and any(child.tag == "failure" for child in before):
        return before, tuple(torn)
    return found, ()


def _reruns(outcome: TestOutcome, told: Attempt) -> Iterator[Child]:
    bad = bool(told.result and told.result.verdict.is_bad)
    for attempt in outcome.attempts:
        result = attempt.result
        if attempt is told or result is None:
            continue
        if result.verdict.is_bad or result.verdict is Verdict.ERRORED:
            yield _rerun("rerun" if bad else "flaky", result)


def _rerun(prefix: str, result: AttemptResult) -> Child:
    phases = [child for phase in result.phases for child in _of_phase(phase, result.verdict)]
    first = next(
        (child for child in (*phases, *_of_verdict(result.verdict)) if child.tag != "skipped"),
        Child("failure"),
    )
    kind = result.failure.exception if result.failure else str(result.verdict)
    attributes = {"type": kind} | dict(first.attributes)
    return Child(
        prefix + first.tag.capitalize(),
        tuple(attributes.items()),
        children=(Child("stackTrace", text=first.text), *_output(result)),
    )


def _output(result: AttemptResult) -> Iterator[Child]:
    for tag, is_error in (("system-out", False), ("system-err", True)):
        parts = [
            f"{f' {title} ':-^80}\n{text}\n"
            for title, text in result.sections
            if ("stderr" in title.lower()) is is_error
        ]
        if parts:
            yield Child(tag, text="".join(parts))


def _skipped(kind: str, reason: str) -> Child:
    text = reason if kind == "pytest.skip" else ""
    return Child("skipped", (("type", kind), ("message", _short(reason))), text)


def _short(message: str) -> str:
    cut = message[:MESSAGE_CHARACTERS]
    return cut if cut == message else f"{cut}… (the element's text has all of it)"
