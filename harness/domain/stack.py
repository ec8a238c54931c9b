"""Stack frames as keys that survive edits: no line numbers, no generated names, no runner."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.domain.attempt import Frame

FRAMES = 25
NAME_CHARACTERS = 300
MODULE_PARTS = 4
"""Of a file's path; what stands before differs between machines."""

_RUNNERS = (
    # Python
    "_pytest.", "pluggy.", "unittest.", "pytest.", "_ath_pytest.", "runpy.", "xdist.", "nose.",
    # Java
    "junit.", "org.junit.", "org.testng.", "org.hamcrest.", "org.assertj.", "org.gradle.",
    "org.apache.tools.ant.", "org.apache.maven.", "sun.reflect.", "jdk.internal.reflect.",
    "java.lang.reflect.", "java.lang.invoke.", "java.lang.thread.run", "java.util.concurrent.",
    "worker.org.gradle.", "com.intellij.rt.",
    # JavaScript
    "node:internal", "processticksandrejections", "jest", "mocha", "vitest", "jasmine",
    # .NET
    "xunit.", "nunit.", "microsoft.visualstudio.testplatform.", "system.runtime.",
    "system.reflection.", "system.threading.tasks.",
    # Go
    "testing.trunner", "testing.(*", "runtime.goexit", "runtime.gopanic", "reflect.value.call",
)  # fmt: skip
_RUNNER_FOLDERS = re.compile(
    r"(?:^|[\\/])(?:_pytest|pluggy|unittest|_ath_pytest|node_modules[\\/](?:@?jest|mocha|vitest"
    r"|jasmine|@playwright)[\w.-]*)[\\/]"
)
_LIBRARIES = (
    "java.", "javax.", "jdk.", "sun.", "com.sun.", "kotlin.", "scala.", "groovy.", "system.",
    "microsoft.", "runtime.", "net/http", "encoding/", "importlib.", "asyncio.", "json.",
    "_frozen_importlib",
)  # fmt: skip
_LIBRARY_FOLDERS = re.compile(
    r"(?:^|[\\/.])(?:site-packages|dist-packages|node_modules|lib[\\/.]python\d|go[\\/]pkg[\\/]mod)"
)
_INSTALLED = re.compile(r"^.*/(?:site-packages|dist-packages|node_modules)/")
_STANDARD = re.compile(r"^.*/lib/python\d[\d.]*/")
_INTERPRETER = re.compile(r"^.{0,200}?\.lib\.python\d(?:\.\d+)?\.(?:site-packages\.)?")
_MODULE_PREFIX = re.compile(r"^[\w.]+(?:@[\w.]+)?/+(?=[\w.]+\.\w)")
_ARGUMENTS = re.compile(r"[(\[`][^.]*$")
_GENERATED = re.compile(
    r"\$\$[\w$/]*|/0x[0-9a-f]+|(?<=Accessor)\d+|\.func\d+(?:\.\d+)*|[$@]\d+"
    r"|\blambda\$|`\d+|<locals>\.?|__\d+(?:_\d+)*|[+.]<>c\w*"
)
_STATE_MACHINE = re.compile(r"<(\w+)>[a-z](?:__\d*)?(?:\.MoveNext)?")
# Only where a file is a module; elsewhere the name says it all.
_SOURCE = re.compile(r"\.(?:py|pyx|js|mjs|cjs|ts|tsx|jsx|rb|go)$")
_FOLDER = re.compile(r"[/.]")


@dataclass(frozen=True, slots=True)
class FrameKey:
    """A place in code."""

    package: str
    owner: str
    """Class or module."""
    function: str
    is_library: bool

    @property
    def whole(self) -> str:
        """All of it, dotted."""
        return ".".join(part for part in (self.package, self.owner, self.function) if part)

    @property
    def short(self) -> str:
        """What a person needs to find it."""
        return ".".join(part for part in (self.owner, self.function) if part)


def frame_keys(frames: Iterable[Frame]) -> Sequence[FrameKey]:
    """At most 25 places, innermost first; those of the test runner only if there are no others."""
    bounded = [frame for frame, _ in zip(frames, range(4 * FRAMES), strict=False)]
    own = [frame for frame in bounded if not _is_runner(frame)]
    return [_key(frame) for frame in (own or bounded)[:FRAMES]]


def _is_runner(frame: Frame) -> bool:
    name = _MODULE_PREFIX.sub("", frame.name[:NAME_CHARACTERS]).lower()
    return name.startswith(_RUNNERS) or bool(_RUNNER_FOLDERS.search(frame.file[-NAME_CHARACTERS:]))


def _key(frame: Frame) -> FrameKey:
    file = frame.file[-NAME_CHARACTERS:].replace("\\", "/")
    within = _STANDARD.sub("", _INSTALLED.sub("", file))
    name = _place(frame.name[:NAME_CHARACTERS], within)
    library = bool(_LIBRARY_FOLDERS.search(file) or _LIBRARY_FOLDERS.search(frame.name))
    name = _INTERPRETER.sub("", name)
    parts = [part for part in name.split(".") if part]
    return FrameKey(
        package=".".join(parts[:-2]),
        owner=parts[-2] if len(parts) > 1 else "",
        function=parts[-1] if parts else "?",
        is_library=library or name.lower().startswith(_LIBRARIES),
    )


def _place(name: str, file: str) -> str:
    """The function with its module: taken from the file where the name does not carry it."""
    name = _MODULE_PREFIX.sub("", name)
    name = _STATE_MACHINE.sub(r"\1", name)
    name = _GENERATED.sub("", _ARGUMENTS.sub("", name)).replace("$", ".").strip(" .")
    module = [part for part in _FOLDER.split(_SOURCE.sub("", file)) if part][-MODULE_PARTS:]
    if not _SOURCE.search(file) or module[-1:] == [] or module[-1] in _FOLDER.split(name):
        return name
    return ".".join((*module, name))
