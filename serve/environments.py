"""Where Python environments of suites are kept."""

from actors.environments.folders import EnvironmentFolders
from harness.settings import Settings


def environments(settings: Settings) -> EnvironmentFolders:
    """In the installation's own folder, because they are to survive."""
    return EnvironmentFolders(settings.home / "environments")
