"""Chromium's headless shell: what Playwright itself starts for headless tests, and faster.

Debian has it as a package beside Chromium. The package is fetched from the machine's own sources,
checked by apt, and unpacked beside the interpreter, which needs no root and changes no system.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster import command

_PACKAGE = "chromium-headless-shell"
_INSTALLED = ("/usr/lib/chromium/chromium-headless-shell", "/usr/lib/chromium/headless_shell")
_BESIDE = (
    *("icudtl.dat", "v8_context_snapshot.bin", "snapshot_blob.bin", "vk_swiftshader_icd.json"),
    *("libEGL.so", "libGLESv2.so", "libvk_swiftshader.so", "libvulkan.so.1"),
)
"""Of the package chromium-common, without which the shell does not start or draw."""
_QUERY_SECONDS = 30
_FETCH_SECONDS = 240


@dataclass(frozen=True, slots=True)
class HeadlessShell:
    """Searches and fetches.

    Attributes:
        folder: Where a fetched one is kept, whole.
        say: Takes a line of progress.
        installed: Where distributions put theirs.
        chromium: Folder of the distribution's Chromium.
    """

    folder: Path
    say: Callable[[str], None]
    installed: tuple[str, ...] = _INSTALLED
    chromium: Path = Path("/usr/lib/chromium")

    def find(self) -> str:
        """The path of one that runs, or nothing; a download is tried each time this is asked."""
        ready = next((path for path in self.installed if runs(path)), "")
        return ready or self._fetched()

    def _fetched(self) -> str:
        version = self._version()
        if not version:
            return ""
        self.say(f"fetching Chromium's headless shell {version} from this machine's apt sources")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        try:
            self._unpack(version)
            found = self._complete()
        except (command.CommandFailed, OSError) as failure:
            self.say(f"no headless shell, tests use the whole Chromium: {failure}")
            found = ""
        if not found:
            shutil.rmtree(self.folder, ignore_errors=True)
        return found

    def _version(self) -> str:
        """Of the distribution's Chromium, whose files the shell shares."""
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            return ""
        query = ["dpkg-query", "--show", "--showformat=${Version}", "chromium-common"]
        try:
            return command.run(query, seconds=_QUERY_SECONDS).strip()
        except command.CommandFailed:
            return ""

    def _unpack(self, version: str) -> None:
        fetch = ["env", "-C", str(self.folder), "apt-get", "-qq", "download"]
        command.run([*fetch, f"{_PACKAGE}={version}"], seconds=_FETCH_SECONDS)
        archive = next(self.folder.glob("*.deb"))
        command.run(["dpkg-deb", "-x", str(archive), str(self.folder)], seconds=_FETCH_SECONDS)
        archive.unlink()

    def _complete(self) -> str:
        """Copies what the two packages share, so that an upgrade of the other breaks nothing."""
        found = next(self.folder.glob(f"usr/lib/chromium/{_PACKAGE}"), None)
        if found is None:
            return ""
        for name in _BESIDE:
            if (self.chromium / name).is_file():
                shutil.copy2(self.chromium / name, found.parent / name)
        return str(found) if runs(str(found)) else ""


def runs(path: str) -> bool:
    """Whether a browser says its version."""
    try:
        command.run([path, "--version"], seconds=_QUERY_SECONDS)
    except command.CommandFailed:
        return False
    return True
