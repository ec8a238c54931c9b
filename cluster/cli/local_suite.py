"""A suite on the user's disk, which is uploaded."""

from dataclasses import dataclass
from pathlib import Path

from cluster.cli.console import err
from cluster.cli.suite_folder import SuiteFolder
from harness.client import Client
from harness.domain.python_environment import PythonEnvironment
from harness.domain.suite import SuiteVersion


@dataclass(frozen=True, slots=True)
class LocalSuite:
    """The suite around the folder in which a command was called."""

    described: SuiteFolder
    max_bytes: int

    def bring(self, client: Client) -> SuiteVersion:
        """Upload it, unless it is there; notes of what was left out go to standard error."""
        folder = self.described
        uploaded = client.suites.upload(folder.root, cwd=folder.cwd, max_bytes=self.max_bytes)
        for note in uploaded.notes:
            err.print(f"note: {note}", markup=False)
        return uploaded.suite

    def packages(self, requirements: Path | None, version: str | None) -> PythonEnvironment | None:
        """See `SuiteFolder.packages`."""
        return self.described.packages(requirements, version)
