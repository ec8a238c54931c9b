"""What of a folder travels, and how."""

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from harness.client.archive import Archive, write_archive
from harness.errors import InvalidInput, TooLarge


def pack(folder: Path) -> tuple[Archive, tarfile.TarFile]:
    file = io.BytesIO()
    archive = write_archive(folder, file, 1 << 30)
    file.seek(0)
    assert archive.size == len(file.getvalue())
    return archive, tarfile.open(fileobj=file, encoding="utf-8", errors="surrogateescape")


def put(folder: Path, name: str, content: str = "x") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_same_content_gives_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name, order in (("one", "abc"), ("two", "cba")):
        for letter in order:
            os.utime(put(tmp_path / name, f"d/{letter}.py", letter), (1, 1))
        os.utime(tmp_path / name / "d", (2, 2))
        digests.add(pack(tmp_path / name)[0].digest)
    assert len(digests) == 1


def test_caches_and_environments_stay_behind(tmp_path: Path) -> None:
    for name in (
        "tests/test_a.py",
        "tests/__pycache__/a.pyc",
        ".git/HEAD",
        "web/node_modules/x.js",
        "env/pyvenv.cfg",
        "env/bin/python",
        ".pytest_cache/x",
        ".github/workflow.yml",
    ):
        put(tmp_path, name)
    _, tar = pack(tmp_path)
    files = [member.name for member in tar if member.isfile()]
    assert files == [".github/workflow.yml", "tests/test_a.py"]


def test_modes_and_times_are_kept(tmp_path: Path) -> None:
    script = put(tmp_path, "run.sh")
    script.chmod(0o755)
    os.utime(script, (1_700_000_000, 1_700_000_000))
    [member] = pack(tmp_path)[1].getmembers()
    assert (member.mode, member.mtime, member.uid, member.uname) == (0o755, 1_700_000_000, 0, "")


def test_only_links_inside_the_suite_travel(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    put(suite, "data/a.txt")
    put(tmp_path, "secret.txt")
    (suite / "data/rel").symlink_to("a.txt")
    (suite / "abs").symlink_to(suite.resolve() / "data")
    (suite / "gone").symlink_to("data/none")
    (suite / "out").symlink_to("../secret.txt")
    archive, tar = pack(suite)
    links = {member.name: member.linkname for member in tar if member.issym()}
    assert links == {"data/rel": "a.txt", "abs": "data", "gone": "data/none"}
    assert len(archive.notes) == 1
    assert "out is a link to" in archive.notes[0]


def test_odd_files_are_left_out_with_a_note(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        archive, tar = pack(tmp_path)
    assert tar.getnames() == []
    assert [note.split()[0] for note in archive.notes] == ["pipe", "sock"]


def test_long_and_broken_names_survive(tmp_path: Path) -> None:
    names = [b"\xff\xfe.txt", ("ü" * 100).encode(), b"d" * 200]
    folder = os.fsencode(tmp_path)
    for name in names:
        os.close(os.open(folder + b"/" + name, os.O_CREAT))
    found = {os.fsencode(name) for name in pack(tmp_path)[1].getnames()}
    assert found == set(names)


def test_too_large_folder_names_its_biggest_parts(tmp_path: Path) -> None:
    put(tmp_path, "videos/a.webm", "x" * 3_000_000)
    put(tmp_path, "test_a.py")
    with pytest.raises(TooLarge, match=r"biggest parts are videos \(2 MiB\)"):
        write_archive(tmp_path, io.BytesIO(), 1_000_000)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no-such-folder"):
        write_archive(tmp_path / "no-such-folder", io.BytesIO(), 1)
