"""What CTRF 0.0 allows, as checks of our own."""

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Check = Callable[[Any], object]
STATUSES = {"passed", "failed", "skipped", "pending", "other"}


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_named(value: object) -> bool:
    return isinstance(value, str) and value != ""


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_status(value: object) -> bool:
    return value in STATUSES


def are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


def is_any_object(value: object) -> bool:
    return isinstance(value, dict)


def some(check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) > 0 and all(map(check, value))


def an_object(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    """An object with these members and no others."""

    def check(value: Any) -> bool:
        assert isinstance(value, dict), value
        missing = set(required) - set(value)
        assert not missing, f"{missing} missing in {value}"
        for name, member in value.items():
            known = {**required, **optional}.get(name)
            assert known, f"{name} is not allowed"
            assert known(member), f"{name} is {member!r}"
        return True

    return check


attachment = an_object(
    {"name": is_text, "contentType": is_text, "path": is_text}, {"extra": is_any_object}
)
_outputs: Mapping[str, Check] = {
    "message": is_text,
    "trace": is_text,
    "stdout": are_texts,
    "stderr": are_texts,
    "attachments": some(attachment),
    "extra": is_any_object,
    "line": is_count,
}
retry = an_object(
    {"attempt": lambda n: is_count(n) and n > 0, "status": is_status},
    {"attemptId": is_named, "duration": is_count, **_outputs},
)
test = an_object(
    {"name": is_named, "status": is_status, "duration": is_count},
    {
        "testId": is_named,
        "rawStatus": is_text,
        "suite": some(is_text),
        "filePath": is_text,
        "retries": is_count,
        "flaky": lambda value: isinstance(value, bool),
        "retryAttempts": some(retry),
        **_outputs,
    },
)
results = an_object(
    {
        "tool": an_object({"name": is_named}, {"version": is_text}),
        "summary": an_object(
            dict.fromkeys(("tests", *sorted(STATUSES), "start", "stop"), is_count),
            {"flaky": is_count},
        ),
        "tests": lambda value: isinstance(value, list) and all(map(test, value)),
    },
    {
        "environment": an_object(
            {}, {"reportName": is_text, "testEnvironment": is_text, "extra": is_any_object}
        )
    },
)
document = an_object(
    {
        "reportFormat": lambda value: value == "CTRF",
        "specVersion": lambda value: re.fullmatch(r"\d+\.\d+\.\d+", value),
        "results": results,
    },
    {
        "reportId": uuid.UUID,
        "runId": is_named,
        "timestamp": datetime.fromisoformat,
        "generatedBy": is_text,
    },
)
