"""The platform that a command talks to: one elsewhere, or the one on this machine."""

from collections.abc import Callable

from cluster.cli.console import err
from cluster.installation import InstallationFiles
from cluster.platform import Platform
from harness.client import Client
from harness.errors import InvalidInput, Unavailable
from harness.settings import Settings


def connected(settings: Settings) -> Client:
    """A client of the platform, which is started if it is this machine's, with progress."""
    with err.status("Connecting …") as line:
        return connect(settings, start=lambda step: line.update(f"Starting the platform: {step} …"))


def connect(settings: Settings, *, start: Callable[[str], None] | None = None) -> Client:
    """A client of the platform that the settings name.

    Args:
        settings: `url` and `token` name a platform elsewhere.
        start: gets progress lines while a platform on this machine is started; None means that
            none is started.

    Raises:
        InvalidInput: a URL without a token.
        Unavailable: no platform is up.
    """
    if settings.url:
        if not settings.token:
            raise InvalidInput(f"ATH_URL is {settings.url}, but ATH_TOKEN is not set.")
        return Client(settings.url, settings.token, settings.project)
    platform = Platform(settings)
    found = platform.up(start) if start else platform.look()
    if found is None:
        raise Unavailable("No platform is up on this machine. Start one with `ath up`.")
    token = settings.token or InstallationFiles(settings.home).token.read_text()
    return Client(found.url, token, settings.project)
