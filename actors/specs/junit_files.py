"""JUnit files that a command leaves: each case becomes a part of the step."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.recorder import Outcome
from harness.domain.attempt import Verdict
from harness.domain.foreign import ForeignTest, ReadLimits
from harness.domain.junit_reader import read_junit
from harness.errors import HarnessError

MOST_FILES = 1000
TOLD = 5
LIMITS = ReadLimits(bytes=64 << 20, tests=20_000, all_characters=16 << 20)

Snapshot: TypeAlias = Mapping[Path, tuple[int, int]]

_OUTCOMES: Mapping[Verdict | None, Outcome] = {
    Verdict.PASSED: "passed",
    Verdict.FLAKY: "passed",
    Verdict.SKIPPED: "skipped",
    Verdict.CANCELLED: "skipped",
    None: "skipped",
}


def snapshot(folder: Path, pattern: str, context: StepContext) -> Snapshot:
    """The files that are there now, to tell later ones from them.

    Raises:
        StepFailed: the pattern leads out of the suite.
    """
    return {path: _stamp(path) for path in _matching(folder, pattern, context)}


def failing_cases(
    folder: Path, pattern: str, context: StepContext, before: Snapshot
) -> Iterator[str]:
    """Record every case of the files that were written since, and say which failed.

    Raises:
        StepFailed: there is no new file, or one is no JUnit XML.
    """
    files = [p for p in _matching(folder, pattern, context) if before.get(p) != _stamp(p)]
    if not files:
        old = f"; {len(before)} older files are left alone" if before else ""
        raise StepFailed(f"it left no JUnit file {pattern!r}{old}")
    tests = [test for path in files for test in _read(path)]
    bad = [test for test in tests if _outcome(test) == "failed"]
    context.note(f"{len(tests)} cases in {len(files)} JUnit files, {len(bad)} failed")
    # Failures first: only so many parts of a test are kept.
    for test in (*bad, *(test for test in tests if _outcome(test) != "failed")):
        seconds = sum(attempt.result.seconds for attempt in test.attempts)
        context.test.recorder.add("case", _name(test), _outcome(test), _why(test), seconds)
    if not tests:
        yield f"the JUnit files {pattern!r} hold no case"
    if bad:
        yield f"{len(bad)} of {len(tests)} cases failed: {_listed(bad)}"


def _matching(folder: Path, pattern: str, context: StepContext) -> Sequence[Path]:
    root = context.test.root.resolve()
    found: list[Path] = []
    try:
        for path in folder.glob(pattern):
            if not path.resolve().is_relative_to(root):
                raise StepFailed(f"the JUnit file {path} lies outside the suite's folder")
            if path.is_file():
                found.append(path)
            if len(found) > MOST_FILES:
                raise StepFailed(f"{pattern!r} matches more than {MOST_FILES} files")
    except (ValueError, NotImplementedError, OSError) as wrong:
        raise StepFailed(f"{pattern!r} is no usable pattern: {wrong}") from None
    return sorted(found)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _read(path: Path) -> Sequence[ForeignTest]:
    try:
        with path.open("rb") as content:
            return read_junit(content, path.name, LIMITS).tests
    except (HarnessError, OSError) as wrong:
        raise StepFailed(str(wrong)) from None


def _outcome(test: ForeignTest) -> Outcome:
    return _OUTCOMES.get(test.verdict, "failed")


def _name(test: ForeignTest) -> str:
    return f"{test.classname}.{test.name}" if test.classname else test.name


def _why(test: ForeignTest) -> str:
    failures = (attempt.result.failure for attempt in test.attempts)
    failure = next((each for each in failures if each), None)
    if failure is None:
        return ""
    return (failure.message or failure.text).strip()[:2000]


def _listed(bad: Sequence[ForeignTest]) -> str:
    told = [f"{_name(test)} ({_first_line(_why(test))})" for test in bad[:TOLD]]
    more = [f"and {len(bad) - TOLD} more"] if len(bad) > TOLD else []
    return ", ".join([*told, *more])


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:200] or "no message"
