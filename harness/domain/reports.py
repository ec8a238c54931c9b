"""Every report in an upload, whatever its format, as one set of results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from harness.domain.allure_reader import CONTAINER, RESULT, read_allure
from harness.domain.ctrf_reader import read_ctrf
from harness.domain.foreign import (
    DEFAULT_LIMITS,
    ForeignAttempt,
    ForeignResults,
    ForeignTest,
    OtherFormat,
    ReadLimits,
)
from harness.domain.junit_reader import read_junit
from harness.domain.report_archive import ReportArchive, is_attachment
from harness.domain.report_format import ReportFormat
from harness.errors import InvalidInput, TooLarge

_NOTES = 10
_ATTEMPTS = 100
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


_SUFFIXES = {"xml": ReportFormat.JUNIT, "json": ReportFormat.CTRF}


@dataclass(frozen=True, slots=True)
class Reports:
    """What an upload holds."""

    formats: tuple[ReportFormat, ...]
    results: ForeignResults
    """Paths of attachments are names in the upload; empty where it does not hold them."""


def read_reports(
    files: ReportArchive,
    wanted: ReportFormat | None = None,
    limits: ReadLimits = DEFAULT_LIMITS,
) -> Reports:
    """All reports of an upload, oldest first; a test in several of them has all their attempts.

    Args:
        files: the upload.
        wanted: the only format to read; None reads each file as what it is.
        limits: of each report; their bytes also of all together.

    Raises:
        InvalidInput: a report is damaged, or there is none.
        TooLarge: a limit is exceeded.
    """
    found, passed_over, size = [], [], 0
    for name, format_ in _candidates(files, wanted):
        size += files.size(name) if format_ is not ReportFormat.ALLURE else 0
        if size > limits.bytes:
            raise TooLarge(
                f"The reports have more than {limits.bytes >> 20} MiB together. "
                "Import fewer at once."
            )
        try:
            results = _read(files, name, format_, limits)
            # A folder is told from a file by the slash at its end.
            origin = f"{name}/" if format_ is ReportFormat.ALLURE and name else name
            found.append((name, format_, replace(results, tests=_found(files, origin, results))))
        except OtherFormat as other:
            passed_over.append(str(other))
    if not found:
        raise InvalidInput(
            passed_over[0]
            if len(passed_over) == 1
            else "There is no report to import. Name JUnit XML (*.xml), CTRF (*.json) or a folder "
            "of Allure results (*-result.json)."
        )
    found.sort(key=lambda each: (each[2].started_at or _LONG_AGO, each[0]))
    return _together(found, [f"{other}" for other in passed_over], limits)


def told_attachments(files: ReportArchive) -> Sequence[str]:
    """The paths that one report names, as it says them.

    Raises:
        InvalidInput: it is damaged, or no report.
        TooLarge: a limit is exceeded.
    """
    (name, format_), *_ = _candidates(files, None)
    results = _read(files, name, format_, DEFAULT_LIMITS)
    told = (a.path for test in results.tests for each in test.attempts for a in each.attachments)
    return list(dict.fromkeys(told))


def _candidates(
    files: ReportArchive, wanted: ReportFormat | None
) -> Iterator[tuple[str, ReportFormat]]:
    names = [name for name in files.names() if not is_attachment(name)]
    if len(names) == 1 and not names[0].endswith(RESULT) and wanted is not ReportFormat.ALLURE:
        yield names[0], wanted or _sniffed(files, names[0])
        return
    if wanted in {None, ReportFormat.ALLURE}:
        folders = {name.rpartition("/")[0] for name in names if name.endswith(RESULT)}
        yield from ((folder, ReportFormat.ALLURE) for folder in sorted(folders))
    for name in names:
        format_ = _SUFFIXES.get(name.rpartition(".")[2].lower())
        if format_ and wanted in {None, format_} and not name.endswith((RESULT, CONTAINER)):
            yield name, format_


def _sniffed(files: ReportArchive, name: str) -> ReportFormat:
    start = files.open(name).read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    return ReportFormat.CTRF if start.startswith(b"{") else ReportFormat.JUNIT


def _read(
    files: ReportArchive, name: str, format_: ReportFormat, limits: ReadLimits
) -> ForeignResults:
    match format_:
        case ReportFormat.JUNIT:
            return read_junit(files.open(name), name, limits)
        case ReportFormat.CTRF:
            return read_ctrf(files.open(name), name, limits)
        case ReportFormat.ALLURE:
            return read_allure(files, name, limits)


def _found(files: ReportArchive, name: str, results: ForeignResults) -> tuple[ForeignTest, ...]:
    """The tests with their attachments found in the upload."""

    def attempt(told: ForeignAttempt) -> ForeignAttempt:
        places = (replace(a, path=files.find(name, a.path) or "") for a in told.attachments)
        return replace(told, attachments=tuple(places)) if told.attachments else told

    return tuple(
        replace(test, attempts=tuple(map(attempt, test.attempts))) for test in results.tests
    )


def _together(
    found: Sequence[tuple[str, ReportFormat, ForeignResults]],
    notes: list[str],
    limits: ReadLimits,
) -> Reports:
    tests: dict[str, ForeignTest] = {}
    for _, _, results in found:
        for test in results.tests:
            known = tests.get(test.id)
            tests[test.id] = _joined(known, test) if known else test
        notes += results.notes
        if len(tests) > limits.tests:
            raise TooLarge(f"There are more than {limits.tests} tests. Import fewer at once.")
    first = found[0][2]
    whole = ForeignResults(
        tests=tuple(tests.values()),
        tool=next((results.tool for _, _, results in found if results.tool), ""),
        started_at=first.started_at,
        notes=tuple(dict.fromkeys(notes))[:_NOTES],
    )
    return Reports(tuple(sorted({format_ for _, format_, _ in found})), whole)


def _joined(known: ForeignTest, later: ForeignTest) -> ForeignTest:
    attempts: tuple[ForeignAttempt, ...] = (*known.attempts, *later.attempts)
    return replace(known, attempts=attempts[:_ATTEMPTS])
