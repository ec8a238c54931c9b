"""What runs depend on, checked one by one, each with its remedy."""

import asyncio
import os
import platform as machine
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from actors.sandbox.probe import describe_process_tier
from actors.sandbox.tier_probe import probe_tiers
from cluster.browser_check import describe, playwrights_own
from cluster.installation import InstallationFiles
from cluster.platform import Platform
from harness.client import Client
from harness.client.connection import Patience
from harness.domain.sandbox_tier import Tier, TierReport
from harness.errors import HarnessError
from harness.settings import Settings
from serve.browser import browser
from serve.environments import environments

MIN_FREE_GIB = 2.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    required: bool = True


def examine(settings: Settings) -> list[Check]:
    """Every check; one that fails never hides another."""
    looks: list[Callable[[Settings], Check]] = [
        _python,
        _system,
        _cpus,
        _disk,
        _scratch,
        _browser,
        _sandbox,
        _environments,
        _git,
        _running,
        _api,
        _sandboxes,
    ]
    return [look(settings) for look in looks] + _tiers(settings)


def _python(_: Settings) -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    ok = sys.version_info >= (3, 11)
    return Check("Python", ok, version, "Install Python 3.11 or newer, then `make run`.")


def _system(_: Settings) -> Check:
    found = f"{machine.system()} {machine.machine()}"
    ok = machine.system() == "Linux" and machine.machine() in {"x86_64", "aarch64"}
    return Check("System", ok, found, "The platform runs on Linux; set ATH_URL to use one there.")


def _cpus(_: Settings) -> Check:
    count = os.cpu_count() or 1
    return Check("CPUs", count >= 2, str(count), "Two or more make runs bearable.", required=False)


def _disk(settings: Settings) -> Check:
    folder = settings.home if settings.home.is_dir() else settings.home.parent
    free = shutil.disk_usage(folder if folder.is_dir() else Path.home()).free / 1024**3
    return Check(
        "Disk",
        free >= MIN_FREE_GIB,
        f"{free:.1f} GiB free",
        f"Free some space for {settings.home}.",
    )


def _scratch(settings: Settings) -> Check:
    longest = len(str(settings.scratch)) + len(
        "/ray/session_0000-00-00_00-00-00_000000_0000000/sockets/plasma_store"
    )
    ok = longest <= 107 and os.access(tempfile.gettempdir(), os.W_OK)
    return Check("Scratch folder", ok, str(settings.scratch), "Set ATH_SCRATCH to a short path.")


def _browser(settings: Settings) -> Check:
    choice = browser(settings)
    ok = choice is not None and os.access(choice.path, os.X_OK)
    own = playwrights_own(Path.home() / ".cache" / "ms-playwright")
    return Check(
        "Chromium",
        ok,
        describe(choice, own),
        "Install one (`apt-get install chromium`), or set ATH_BROWSER to its path.",
        required=False,
    )


def _sandbox(_: Settings) -> Check:
    found = _listed(describe_process_tier())
    return Check("Sandbox of suites", True, found, required=False)


def _tiers(settings: Settings) -> list[Check]:
    """Each tier that was really run; a missing one keeps nobody from running suites."""
    if machine.system() != "Linux":
        return []
    reports = asyncio.run(probe_tiers(settings.runsc))
    return [_tier(reports[tier]) for tier in Tier if tier is not Tier.NONE]


def _tier(report: TierReport) -> Check:
    name = f"Sandbox tier {report.tier}"
    if not report.is_available:
        return Check(name, False, report.reason, report.fix, required=False)
    return Check(name, True, _listed(report.described()), required=False)


def _listed(controls: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {state}" for name, state in controls.items())


def _environments(settings: Settings) -> Check:
    found = environments(settings).usage()
    limit = settings.environments_mib / 1024
    told = f"{found.environments}, {found.bytes / 1024**3:.1f} of {limit:.1f} GiB"
    return Check("Python environments", True, told, required=False)


def _git(_: Settings) -> Check:
    path = shutil.which("git", path=os.defpath)
    return Check("git", path is not None, path or "none", "Needed by --git alone.", required=False)


def _running(settings: Settings) -> Check:
    try:
        found = Platform(settings).look()
    except HarnessError as trouble:
        return Check("Platform", False, str(trouble), "Run `ath down`, then `ath up`.")
    state = f"{found.state} {found.step}".strip() if found else "down"
    return Check("Platform", bool(found), state, "Start it with `ath up`.", required=False)


def _api(settings: Settings) -> Check:
    try:
        found = Platform(settings).look()
        if found is None:
            return Check("API", False, "not started", "Start it with `ath up`.", required=False)
        with urllib.request.urlopen(f"{found.url}/readyz", timeout=5) as reply:  # noqa: S310  # loopback
            return Check("API", reply.status == 200, f"{found.url} answers")
    except (HarnessError, urllib.error.URLError, OSError) as trouble:
        return Check("API", False, str(trouble), f"See {settings.home / 'logs'}.")


def _sandboxes(settings: Settings) -> Check:
    """The host of sandboxes is begun with the first one; asking for a list begins nothing."""
    name, remedy = "Sandboxes", f"See {settings.home / 'logs'}."
    try:
        found = Platform(settings).look()
        if found is None:
            return Check(name, True, "none while the platform is down", required=False)
        token = settings.token or InstallationFiles(settings.home).token.read_text()
        with Client(found.url, token, patience=Patience(call_seconds=5)) as client:
            living = client.sandboxes.list()
    except (HarnessError, OSError) as trouble:
        return Check(name, False, str(trouble), remedy, required=False)
    most = min(settings.sandboxes, settings.tenant_sandboxes)
    return Check(name, True, f"{len(living)} of at most {most} live", required=False)
