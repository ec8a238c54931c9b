"""Results as a CTRF report (Common Test Report Format 0.0.0), in pieces."""

import json
import math
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePath

from harness.domain.attempt import Attempt, AttemptResult, Verdict
from harness.domain.junit_case import address
from harness.domain.results import RunResults, TestOutcome

Json = Mapping[str, object]

STATUS: Mapping[Verdict | None, str] = {
    Verdict.PASSED: "passed",
    Verdict.FLAKY: "passed",
    Verdict.FAILED: "failed",
    Verdict.TIMED_OUT: "failed",
    Verdict.SKIPPED: "skipped",
    Verdict.ERRORED: "other",
    Verdict.CANCELLED: "other",
    None: "pending",
}


def ctrf_json(results: RunResults) -> Iterator[bytes]:
    """The report in UTF-8, one test at a time, in the order of collection."""
    head = _line({**_document(results), "results": {}}).removesuffix("}}")
    yield f"{head}{_line(_around(results))[1:-1]},".encode()
    yield b'"tests":['
    for index, test in enumerate(results.tests):
        yield f"{',' if index else ''}{_line(_test(test))}".encode("utf-8", "replace")
    yield b"]}}\n"


def _document(results: RunResults) -> Json:
    run = results.run
    return {
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "reportId": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{run.id}:{run.version}")),
        "runId": run.id,
        "timestamp": (run.finished_at or run.created_at).isoformat(),
        "generatedBy": "ath",
    }


def _around(results: RunResults) -> Json:
    """What stands beside the tests."""
    run = results.run
    environment = run.request.environment
    named = {"testEnvironment": environment.name} if environment else {}
    extra = {"release": run.request.release, "state": str(run.state), "labels": run.request.labels}
    return {
        "tool": {"name": PurePath(run.request.argv[0]).name or "ath"},
        "summary": _summary(results),
        "environment": {**named, "reportName": run.request.suite.folder, "extra": extra},
    }


def _summary(results: RunResults) -> Json:
    statuses = [_status(test) for test in results.tests]
    counts = {name: statuses.count(name) for name in dict.fromkeys(STATUS.values())}
    run = results.run
    start = run.started_at or run.created_at
    return {
        "tests": len(statuses),
        **counts,
        "flaky": sum(test.verdict is Verdict.FLAKY for test in results.tests),
        "start": _milliseconds(start),
        "stop": _milliseconds(run.finished_at or start),
    }


def _test(test: TestOutcome) -> Json:
    classname, name = address(test.case.id)
    ended = [attempt for attempt in test.attempts if attempt.result]
    shown = _shown(ended)
    earlier = [attempt for attempt in ended if attempt is not shown]
    told = _told(shown.result) if shown and shown.result else {"duration": 0}
    again = {"retryAttempts": [_retry(a, n) for n, a in enumerate(earlier, 1)]} if earlier else {}
    verdict, why = test.verdict, test.case.quarantined
    return {
        "testId": test.case.id or "?",
        "name": name or test.case.id or "?",
        "status": _status(test),
        "rawStatus": str(verdict) if verdict else "not_run",
        **told,
        **({"extra": {"quarantined": why}} if why is not None else {}),
        "suite": [test.case.file or classname or name],
        **({"filePath": test.case.file} if test.case.file else {}),
        **({"line": test.case.line} if test.case.line else {}),
        "retries": len(earlier),
        "flaky": verdict is Verdict.FLAKY,
        **again,
    }


def _status(test: TestOutcome) -> str:
    """What is quarantined must not fail anybody who reads the report."""
    status = STATUS[test.verdict]
    is_harmless = test.case.quarantined is not None and status in {"failed", "other"}
    return "skipped" if is_harmless else status


def _shown(ended: list[Attempt]) -> Attempt | None:
    """The attempt that the verdict was taken from."""
    own = [a for a in ended if a.result and a.result.verdict is not Verdict.ERRORED]
    return own[-1] if own else ended[-1] if ended else None


def _retry(attempt: Attempt, number: int) -> Json:
    result = attempt.result
    verdict = result.verdict if result else Verdict.ERRORED
    return {
        "attempt": number,
        "attemptId": attempt.id,
        "status": STATUS[verdict],
        **(_told(result) if result else {}),
        "extra": {"verdict": str(verdict)},
    }


def _told(result: AttemptResult) -> dict[str, object]:
    failure = result.failure
    reasons = [phase.reason for phase in result.phases if phase.reason]
    message = failure.message or failure.exception if failure else " ".join(reasons)
    found = {
        "message": message,
        "trace": failure.text if failure else "",
        "stdout": [text for title, text in result.sections if not _is_error(title)],
        "stderr": [text for title, text in result.sections if _is_error(title)],
        "attachments": [
            {
                "name": PurePath(ref.name).name,
                "contentType": ref.media_type,
                "path": ref.name,
                "extra": {"digest": ref.digest, "size": ref.size},
            }
            for ref in result.artifacts
        ],
    }
    seconds = result.seconds if math.isfinite(result.seconds) else 0.0
    return {"duration": round(seconds * 1000), **{k: v for k, v in found.items() if v}}


def _is_error(title: str) -> bool:
    return "stderr" in title.lower()


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _line(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
