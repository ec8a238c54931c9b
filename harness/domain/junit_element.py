"""The elements of a JUnit document, as they were read."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class JUnitSuite:
    """A testsuite element."""

    name: str = ""
    host: str = ""
    file: str = ""


@dataclass(slots=True)
class JUnitChild:
    """A failure, error, skipped, rerun… or flaky… element."""

    tag: str
    kind: str = ""
    """Its `type`."""
    message: str = ""
    text: str = ""
    seconds: float = 0.0
    stdout: str = ""
    stderr: str = ""


@dataclass(slots=True)
class JUnitCase:
    """A testcase element."""

    suite: JUnitSuite
    name: str
    classname: str
    file: str
    line: str
    seconds: float
    status: str
    dialect: str
    """`pytest`, `ath` (our own), else empty."""
    children: list[JUnitChild] = field(default_factory=list)
    stdout: str = ""
    stderr: str = ""
    properties: dict[str, str] = field(default_factory=dict)

    def of(self, *tags: str) -> list[JUnitChild]:
        """Children of these kinds."""
        return [child for child in self.children if child.tag in tags]
