"""The headless shell is found, fetched from apt's sources, or done without."""

from pathlib import Path

import pytest

from cluster.headless_shell import HeadlessShell

pytestmark = pytest.mark.process

VERSION = "#!/bin/sh\nprintf 156.0-1\n"
DOWNLOAD = '#!/bin/sh\ncase "$*" in *=156.0-1) : > shell.deb;; *) exit 1;; esac\n'
UNPACK = """\
#!/bin/sh
mkdir -p "$3/usr/lib/chromium"
echo '#!/bin/sh
test -e "${0%/*}/icudtl.dat"' > "$3/usr/lib/chromium/chromium-headless-shell"
chmod +x "$3/usr/lib/chromium/chromium-headless-shell"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Debian with Chromium; its programs come first on the PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, script in {
        "dpkg-query": VERSION,
        "apt-get": DOWNLOAD,
        "dpkg-deb": UNPACK,
    }.items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    (tmp_path / "chromium").mkdir()
    (tmp_path / "chromium" / "icudtl.dat").touch()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return tmp_path


def shell(machine: Path, *installed: str) -> HeadlessShell:
    return HeadlessShell(machine / "shell", lambda _: None, installed, machine / "chromium")


def test_shell_is_fetched_in_the_version_of_chromium(machine: Path) -> None:
    found = shell(machine).find()
    assert found == str(machine / "shell" / "usr" / "lib" / "chromium" / "chromium-headless-shell")
    assert [path.name for path in (machine / "shell").iterdir()] == ["usr"]


def test_installed_shell_needs_no_download(machine: Path) -> None:
    assert shell(machine, "/bin/true").find() == "/bin/true"
    assert not (machine / "shell").exists()


@pytest.mark.parametrize("broken", ["dpkg-query", "apt-get", "dpkg-deb"])
def test_a_failed_step_leaves_nothing(machine: Path, broken: str) -> None:
    (machine / "programs" / broken).write_text("#!/bin/sh\nexit 1\n")
    assert shell(machine).find() == ""
    assert not (machine / "shell").exists()


def test_shell_that_does_not_run_is_not_kept(machine: Path) -> None:
    (machine / "chromium" / "icudtl.dat").unlink()
    assert shell(machine).find() == ""
    assert not (machine / "shell").exists()
