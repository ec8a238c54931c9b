"""What FileArtifacts does beyond its port."""

from io import BytesIO
from pathlib import Path

import pytest

from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Corrupt, TooLarge
from harness.stores.file_artifacts import FileArtifacts


def test_damage_is_noticed_and_repaired_by_putting_again(tmp_path: Path) -> None:
    store = FileArtifacts(tmp_path)
    digest, _ = store.put(DEFAULT_SCOPE, BytesIO(b"right"), max_bytes=9)
    damaged = store.path(DEFAULT_SCOPE, digest)
    damaged.chmod(0o600)
    damaged.write_bytes(b"wrong")
    with pytest.raises(Corrupt, match=digest):
        list(store.read(DEFAULT_SCOPE, digest))
    store.put(DEFAULT_SCOPE, BytesIO(b"right"), max_bytes=9)
    assert list(store.read(DEFAULT_SCOPE, digest)) == [b"right"]


def test_refused_content_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        FileArtifacts(tmp_path).put(DEFAULT_SCOPE, BytesIO(b"four"), max_bytes=3)
    assert files(tmp_path) == []


def test_reopening_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    FileArtifacts(tmp_path)
    (tmp_path / ".partial" / "left").write_bytes(b"half")
    FileArtifacts(tmp_path)
    assert files(tmp_path) == []


def test_reopening_spares_what_is_being_written(tmp_path: Path) -> None:
    class Reopening(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            FileArtifacts(tmp_path)
            return super().read(size)

    digest, _ = FileArtifacts(tmp_path).put(DEFAULT_SCOPE, Reopening(b"whole"), max_bytes=9)
    assert [path.name for path in files(tmp_path)] == [digest]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
