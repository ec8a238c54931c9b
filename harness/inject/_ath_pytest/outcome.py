"""What pytest reports of one test, as plain JSON values of bounded size."""

import os
from typing import Any, Callable

TEXT = 64 * 1024
MESSAGE = 8 * 1024
FRAMES = 50
FILES = 100
STEPS = 500
STEP_DEPTH = 5
STEP_NAME = 300
STEP_DETAIL = 8 * 1024
STEP_DETAILS = 256 * 1024
DENIED = 20


class Outcome:
    """Collects the reports of one run of one test."""

    def __init__(self, item, config):
        self._item = item
        self._config = config
        self._phases = []
        self._sections = []
        self._properties = []
        self._raised = {}
        self._folder = None

    def raised(self, when, excinfo):
        """Keep the exception of a failed phase."""
        self._raised[when] = structure(excinfo, self._config.rootpath)

    def add(self, report):
        """Take in a report of setup, call, teardown or a subtest."""
        # pytest forgets fixture values after teardown, pytest-playwright writes during it
        self._folder = (getattr(self._item, "funcargs", None) or {}).get("output_path")
        outcome = _outcome(report)
        if outcome is None:
            return
        phase = {
            "name": report.when,
            "outcome": outcome,
            "seconds": getattr(report, "duration", 0.0),
        }
        label = _subtest(report)
        if label is not None:
            phase.update(name="subtest", label=label)
        if outcome == "failed":
            phase["failure"] = self._failure(report)
        elif outcome in {"skipped", "xfailed", "xpassed"}:
            phase["reason"] = _reason(report)
        self._phases.append(phase)
        if report.sections:
            self._sections = [[title, cut(text, TEXT)] for title, text in report.sections[:20]]
        if report.when == "teardown":
            self._properties = [
                [str(name)[:200], str(value)[:1000]] for name, value in report.user_properties[:100]
            ]

    def message(self):
        """Everything, after the test ended."""
        message = {
            "phases": self._phases,
            "sections": self._sections,
            "properties": self._properties,
            "steps": steps(getattr(self._item, "_ath_steps", None)),
            "denied": denied(getattr(self._item, "_ath_denied", None)),
        }
        # A suite may keep values of its own out of everything that leaves its process.
        redact = getattr(self._item, "_ath_redact", None)
        if callable(redact):
            message = redacted(message, redact)
        return dict(message, files=self._files())

    def _failure(self, report):
        text = cut(report.longreprtext, TEXT)
        found = self._raised.get(report.when)
        if found is None or _subtest(report) is not None:
            last = text.strip().rpartition("\n")[2]
            crash = getattr(getattr(report.longrepr, "reprcrash", None), "message", None) or last
            name, colon, rest = crash.partition(":")
            is_type = colon and name.replace(".", "").isidentifier()
            found = {
                "exception": name if is_type else "Failed",
                "message": cut(rest.strip() if is_type else crash, MESSAGE),
                "frames": [],
            }
        return dict(found, text=text)

    def _files(self):
        """What pytest-playwright left for this test: traces, videos, screenshots."""
        folder = self._folder
        if not isinstance(folder, (str, os.PathLike)) or not os.path.isdir(folder):
            return []
        found = [
            os.path.join(parent, name)
            for parent, _, names in os.walk(str(folder))
            for name in names
        ]
        return sorted(found)[:FILES]


def steps(found: object) -> "list[dict]":
    """What the item says of its steps, as far as it can be understood, and bounded."""
    kept: list = _steps(found, 1, [STEPS, STEP_DETAILS])
    return kept


def denied(found: object) -> "list[dict]":
    """What the item says that a policy refused it, bounded."""
    each_one = found[:DENIED] if isinstance(found, list) else []
    return [
        {
            "host": cut(str(each.get("host", "")), 253),
            "port": each["port"] if type(each.get("port")) is int else 0,
            "reason": cut(str(each.get("reason", "")), STEP_NAME),
        }
        for each in each_one
        if isinstance(each, dict)
    ]


def step_told(told: dict) -> "dict[str, dict]":
    """The begin of a step, or the end of the innermost one, bounded."""
    begun, ended = told.get("begun"), told.get("ended")
    if isinstance(begun, dict):
        name = cut(str(begun.get("name", "")), STEP_NAME)
        kind = cut(str(begun.get("kind", "step")), 40)
        return {"begun": {"kind": kind, "name": name, "started": _seconds(begun.get("started"))}}
    if isinstance(ended, dict):
        detail = cut(str(ended.get("detail", "")), STEP_DETAIL)
        seconds = _seconds(ended.get("seconds"))
        return {"ended": {"outcome": ended.get("outcome"), "seconds": seconds, "detail": detail}}
    return {}


def _steps(found, depth, room):
    kept = []
    for step in found if isinstance(found, (list, tuple)) else ():
        if room[0] == 0:
            break
        if not isinstance(step, dict):
            continue
        room[0] -= 1
        detail = cut(str(step.get("detail", "")), STEP_DETAIL)[: max(0, room[1])]
        room[1] -= len(detail)
        outcome = step.get("outcome")
        inner = step.get("steps")
        kept.append(
            {
                "kind": cut(str(step.get("kind", "step")), 40),
                "name": cut(str(step.get("name", "")), STEP_NAME),
                "outcome": outcome if outcome in ("passed", "failed", "skipped") else "passed",
                "seconds": _seconds(step.get("seconds")),
                "started": _seconds(step.get("started")),
                "detail": detail,
                "steps": _steps(inner, depth + 1, room) if depth < STEP_DEPTH else [],
            }
        )
    return kept


def redacted(value: object, redact: "Callable[[str], str]") -> Any:
    """The same with every text redacted."""
    if isinstance(value, str):
        return str(redact(value))
    if isinstance(value, dict):
        return {key: redacted(each, redact) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(each, redact) for each in value]
    return value


def broken_file(report):
    """A file or class that could not be collected, or was skipped as a whole."""
    text = cut(report.longreprtext, TEXT)
    if report.skipped:
        return {"nodeid": report.nodeid, "skipped": True, "reason": _reason(report)}
    lines = [line for line in text.splitlines() if line.startswith("E ")]
    first = lines[-1][1:].strip() if lines else text.strip().rpartition("\n")[2]
    name, colon, rest = first.partition(":")
    is_type = bool(colon) and name.replace(".", "").isidentifier()
    return {
        "nodeid": report.nodeid,
        "skipped": False,
        "exception": name if is_type else "CollectionError",
        "message": cut(rest.strip() if is_type else first, MESSAGE),
        "text": text,
    }


def structure(excinfo, root):
    """An exception as type, message and frames, innermost first."""
    frames = []
    for entry in reversed(excinfo.traceback[-FRAMES:]):
        path = str(entry.path)
        try:
            path = os.path.relpath(path, root) if path.startswith(str(root)) else path
        except ValueError:
            pass
        frames.append([entry.frame.code.name, path, entry.lineno + 1])
    kind = excinfo.type
    module = "" if kind.__module__ == "builtins" else kind.__module__ + "."
    try:
        message = str(excinfo.value)
    except Exception:  # the suite's own __str__ may do anything
        message = "(its message cannot be printed)"
    return {
        "exception": module + kind.__qualname__,
        "message": cut(message, MESSAGE),
        "frames": frames,
    }


def cut(text, limit):
    """At most about `limit` characters: the head and the tail, with a note between."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return "%s\n… %d characters left out …\n%s" % (text[:half], len(text) - limit, text[-half:])


def _seconds(value):
    ok = isinstance(value, (int, float)) and 0 <= value < 1e9
    return float(value) if ok else 0.0


def _outcome(report):
    if hasattr(report, "wasxfail"):
        return {"skipped": "xfailed", "passed": "xpassed"}.get(report.outcome, report.outcome)
    return report.outcome if report.outcome in {"passed", "failed", "skipped"} else None


def _subtest(report):
    if type(report).__name__ not in {"SubtestReport", "SubTestReport"}:
        return None
    context = report.context
    parts = [str(context.msg)] if context.msg is not None else []
    parts += ["%s=%r" % pair for pair in dict(context.kwargs).items()]
    return cut(" ".join(parts) or "(subtest)", 500)


def _reason(report):
    if hasattr(report, "wasxfail"):
        return cut(report.wasxfail.replace("reason: ", "", 1), MESSAGE)
    if isinstance(report.longrepr, tuple):
        return cut(str(report.longrepr[2]).replace("Skipped: ", "", 1), MESSAGE)
    return cut(str(report.longrepr or ""), MESSAGE)
