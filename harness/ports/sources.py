"""Where suites come from, other than an upload."""

from dataclasses import dataclass, field
from typing import Protocol

from harness.domain.git_reference import GitReference
from harness.domain.scope import Scope
from harness.domain.suite import SuiteVersion


@dataclass(frozen=True, slots=True)
class Fetched:
    """A suite that is now an archive like any that was uploaded."""

    suite: SuiteVersion
    size: int
    config_path: str | None = None
    """Of the `ath.toml` that is nearest above the suite's folder."""
    config: str = ""


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens a private repository; shown to git alone."""

    value: str = field(repr=False)


class SourceFetcher(Protocol):
    """Brings the source of suites into the artifact store."""

    async def fetch(
        self, scope: Scope, reference: GitReference, credential: Credential | None
    ) -> Fetched:
        """Resolve the reference once, and store what it is.

        Raises:
            InvalidInput: the repository is not there, or has no such ref or folder.
            TooLarge: it is larger than a suite may be.
            Unavailable: it does not answer, or takes too long.
        """
        ...
