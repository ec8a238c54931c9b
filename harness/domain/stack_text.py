"""Stack frames out of what a runner printed: Python, Java, JavaScript, Go, .NET."""

import re

from harness.domain.attempt import Failure, Frame

LINES = 400
LINE_CHARACTERS = 400
FRAMES = 50

_PYTHON = re.compile(r'\s*File "([^"]+)", line (\d+), in (\S+)')
_PYTEST = re.compile(r"(\S[^:]*\.py):(\d+): (?:in (\S+)|([A-Za-z_][\w.]*))\s*$")
_JAVA = re.compile(r"\s*at ([\w$.@/<>-]++)\(([^():]{1,200})(?::(\d{1,9}))?\)")
_SCRIPT = re.compile(r"\s*at (?:async )?(?:(\S.*?) \()?([^()\s]+?):(\d+):\d+\)?\s*$")
_DOTNET = re.compile(r"\s*at (\S[^(]*\([^)]*\)) in (.+):line (\d+)\s*$")
_GO = re.compile(r"\s+(\S+\.go):(\d+)(?:\s|:)")
_TYPE = re.compile(r"(?:Uncaught |thrown: )?([A-Za-z_$][\w$.]*)(?::|\s*$)")
_IS_TYPE = re.compile(r"(?:Error|Exception|Failure|Failed|Warning|Exit|Interrupt|Timeout)$")
_TIMEOUT_TYPES = frozenset({"timed_out", "TestTimedOut", "TestTimedOutException"})
_TIMED_OUT = re.compile(r"Test timeout of \d+ms exceeded|Timeout >\d")
_COLOURS = re.compile(r"(?:\x1b|#x1B)\[[0-9;]{0,20}m")
_SAYS_NOTHING = frozenset({"", "Failed", "failed", "Failure", "Error", "error"})


def failure_of(kind: str, message: str, text: str) -> Failure:
    """A failure without colours, with what its text tells; `kind` is its type where known."""
    message, text = _COLOURS.sub("", message), _COLOURS.sub("", text)
    lines = [line[:LINE_CHARACTERS] for line in text.splitlines()]
    head = message.strip()
    if head in _SAYS_NOTHING:
        head = next((line.strip() for line in lines if line.strip()), head)
    frames = _frames(lines)
    return Failure(kind or _kind(head, lines), head, frames, text)


def is_timeout(kind: str, message: str) -> bool:
    """Whether a runner ended the test because it took too long."""
    return kind.rpartition(".")[2] in _TIMEOUT_TYPES or bool(_TIMED_OUT.match(message))


def _kind(head: str, lines: list[str]) -> str:
    found = _TYPE.match(head)
    if found and _IS_TYPE.search(found.group(1)):
        return found.group(1)
    # pytest ends with the place and the type.
    last = next((line for line in reversed(lines) if line.strip()), "")
    place = _PYTEST.match(last)
    return (place.group(4) or "") if place else ""


def _frames(lines: list[str]) -> tuple[Frame, ...]:
    """Innermost first."""
    outer_first: list[Frame] = []
    inner_first: list[Frame] = []
    for line in (*lines[: LINES // 2], *lines[LINES // 2 :][-LINES // 2 :]):
        if match := _PYTHON.match(line):
            outer_first.append(Frame(match[3], match[1], int(match[2][:9])))
        elif match := _PYTEST.match(line):
            outer_first.append(Frame(match[3] or "", match[1], int(match[2][:9])))
        elif match := _DOTNET.match(line):
            inner_first.append(Frame(match[1], match[2], int(match[3][:9])))
        elif match := _JAVA.match(line):
            inner_first.append(Frame(match[1], match[2], int((match[3] or "0")[:9])))
        elif match := _SCRIPT.match(line):
            inner_first.append(Frame(match[1] or "", match[2], int(match[3][:9])))
        elif match := _GO.match(line):
            inner_first.append(Frame("", match[1], int(match[2][:9])))
    return tuple((outer_first[::-1] or inner_first)[:FRAMES])
