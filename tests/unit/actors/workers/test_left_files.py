"""What tests leave behind, some of it to do harm."""

import os
from pathlib import Path

import pytest

from actors.workers.left_files import LeftFiles
from harness.domain.scope import DEFAULT_SCOPE
from harness.stores.file_artifacts import FileArtifacts


@pytest.fixture
def left(tmp_path: Path) -> LeftFiles:
    return LeftFiles(FileArtifacts(tmp_path / "artifacts"), DEFAULT_SCOPE, 1 << 20)


def test_regular_files_are_kept(left: LeftFiles, tmp_path: Path) -> None:
    (tmp_path / "shot.png").write_bytes(b"picture")
    (ref,) = left.keep([str(tmp_path / "shot.png")], "tests/0/a")
    assert (ref.name, ref.size, ref.media_type) == ("tests/0/a/shot.png", 7, "image/png")
    assert left.notes == []


def test_everything_else_is_told_and_stops_nothing(left: LeftFiles, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge.png").open("wb") as huge:
        huge.truncate(200 << 20)
    names = ["link", "pipe", "huge.png", "missing", "artifacts", "n" * 5000, "nul\0"]
    (tmp_path / "good").write_text("good")
    kept = left.keep([str(tmp_path / name) for name in (*names, "good")], "tests/0/a")
    assert [ref.name for ref in kept] == ["tests/0/a/good"]
    assert left.notes == [
        "link: Too many levels of symbolic links.",
        "pipe: it is no regular file.",
        "huge.png: it has 200 MiB, 1 are allowed.",
        "missing: No such file or directory.",
        "artifacts: it is no regular file.",
        f"{'n' * 200}: File name too long.",
        "nul\0: embedded null byte.",
    ]
