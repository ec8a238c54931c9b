"""A suite in a git repository, which the platform fetches."""

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from cluster.cli.suite_folder import SuiteFolder, described
from harness.client import Client
from harness.domain.git_reference import GitReference
from harness.domain.python_environment import PythonEnvironment
from harness.domain.suite import SuiteVersion


@dataclass(frozen=True, slots=True)
class GitSuite:
    """A suite that is with the platform already."""

    version: SuiteVersion
    described: SuiteFolder
    """What its `ath.toml` says."""

    def bring(self, client: Client) -> SuiteVersion:  # as suites on a disk do
        """The suite's version; it is there."""
        return self.version

    def packages(self, requirements: Path | None, version: str | None) -> PythonEnvironment | None:
        """As `SuiteFolder.packages`; whether the file is there shows when it is installed."""
        if requirements is None:
            return self.described.packages(None, version)
        return PythonEnvironment(_joined(self.version.cwd, requirements.as_posix()), version)


def fetch_suite(client: Client, reference: GitReference, secret: str | None) -> GitSuite:
    """Let the platform fetch a suite.

    Raises:
        InvalidInput: the repository, the ref or the folder is not there, or `ath.toml` is wrong.
        NotFound: there is no such secret.
    """
    found = client.suites.fetch(reference, secret)
    if found.config_path is None:
        return GitSuite(found.suite, SuiteFolder(Path(), "."))
    config = described(Path(), ".", Path(found.config_path), found.config)
    if config.python:
        folder = str(PurePosixPath(found.config_path).parent)
        name = _joined(folder, config.python.requirements)
        config = replace(config, python=replace(config.python, requirements=name))
    return GitSuite(found.suite, config)


def _joined(folder: str, name: str) -> str:
    return (PurePosixPath(folder) / name).as_posix()
