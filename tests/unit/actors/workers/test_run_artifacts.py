"""The bound of all that one run keeps."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.workers.attempts import NOT_KEPT, AttemptFold
from actors.workers.run_artifacts import RunArtifacts
from harness.domain.attempt import Verdict
from harness.domain.ids import Digest
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import TooLarge
from harness.stores.file_artifacts import FileArtifacts


@pytest.fixture
def store(tmp_path: Path) -> FileArtifacts:
    return FileArtifacts(tmp_path / "artifacts")


def keeps(kept: RunArtifacts, size: int, max_bytes: int = 100) -> bool:
    try:
        kept.put(DEFAULT_SCOPE, BytesIO(bytes(size)), max_bytes=max_bytes)
    except TooLarge:
        return False
    return True


def test_smaller_one_still_fits_after_one_that_does_not(store: FileArtifacts) -> None:
    kept = RunArtifacts(store, most=100, used=60)
    assert [keeps(kept, size) for size in (30, 20, 10, 1, 0)] == [True, False, True, False, True]
    assert (kept.used, kept.left_out) == (100, 2)


def test_one_that_is_too_large_by_itself_is_not_counted(store: FileArtifacts) -> None:
    kept = RunArtifacts(store, most=1000)
    with pytest.raises(TooLarge, match="exceeds 100 bytes"):
        kept.put(DEFAULT_SCOPE, BytesIO(bytes(101)), max_bytes=100)
    assert kept.left_out == 0


def test_many_threads_keep_no_more_than_one(store: FileArtifacts) -> None:
    kept = RunArtifacts(store, most=55)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: keeps(kept, 10), range(20)))
    assert (found.count(True), kept.used, kept.left_out) == (5, 50, 15)


def test_attempt_says_what_was_left_out_and_keeps_its_verdict(
    store: FileArtifacts, tmp_path: Path
) -> None:
    for name in ("first.png", "second.png"):
        (tmp_path / name).write_bytes(bytes(3 << 20))
    kept = RunArtifacts(store, most=5 << 20)
    fold = AttemptFold(DEFAULT_SCOPE, kept, "w1", max_bytes=4 << 20)
    outcome = {
        "phases": [{"name": "call", "outcome": "passed", "seconds": 1.0}],
        "sections": [],
        "properties": [],
        "files": [str(tmp_path / name) for name in ("first.png", "second.png")],
    }
    result = fold.finished(outcome, "tests/0")
    assert [ref.name for ref in result.artifacts] == ["tests/0/first.png"]
    note = "second.png: the artifacts of a run may have 5 MiB together, of which 2 MiB are left."
    assert result.sections == ((NOT_KEPT, note),)
    assert result.verdict is Verdict.PASSED


class Counted(FileArtifacts):
    """Only counts."""

    def __init__(self) -> None:
        """No folder."""

    def put(self, scope: Scope, content: BinaryIO, *, max_bytes: int) -> tuple[Digest, int]:
        size = len(content.read())
        if size > max_bytes:
            raise TooLarge("more")
        return Digest(""), size


@given(st.lists(st.integers(0, 150)), st.integers(0, 500))
@settings(max_examples=50)
def test_bound_holds_and_nothing_that_fits_is_refused(sizes: list[int], most: int) -> None:
    kept, used = RunArtifacts(Counted(), most), 0
    for size in sizes:
        fits = size <= 100 and used + size <= most
        assert keeps(kept, size) is fits
        used += size * fits
    assert kept.used == used <= most
