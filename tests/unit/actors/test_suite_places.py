"""Places of suites, and the bytecode that stays at them."""

from dataclasses import replace
from pathlib import Path

from actors.workers.suite_places import SuitePlaces
from harness.domain.ids import Digest, ProjectId, TenantId
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.domain.suite import SuiteVersion

SUITE = SuiteVersion(Digest("d" * 64), "suite")
COMPILED = Path("suite/sub/__pycache__/test_a.cpython-311-pytest-9.2.0.pyc")


def run_once(places: SuitePlaces, scope: Scope, suite: SuiteVersion) -> tuple[Path, bytes]:
    """Unpack, furnish, compile what is not compiled, leave; gives place and bytecode found."""
    place = places.take(scope, suite)
    (place / "suite" / "sub").mkdir(parents=True)
    (place / "suite" / "sub" / "test_a.py").write_text("x = 1")
    places.furnish(place, suite)
    compiled = place / COMPILED
    found = compiled.read_bytes() if compiled.exists() else b""
    compiled.parent.mkdir(exist_ok=True)
    compiled.write_bytes(found + b"code")
    (compiled.parent / "notes.txt").write_text("not bytecode")
    places.leave(place, suite)
    assert not place.exists()
    return place, found


def test_same_version_comes_back_to_its_bytecode(tmp_path: Path) -> None:
    places = SuitePlaces(tmp_path)
    first, nothing = run_once(places, DEFAULT_SCOPE, SUITE)
    second, found = run_once(places, DEFAULT_SCOPE, SUITE)
    assert (second, nothing, found) == (first, b"", b"code")
    assert not list(tmp_path.rglob("notes.txt"))


def test_other_versions_and_scopes_find_nothing(tmp_path: Path) -> None:
    places = SuitePlaces(tmp_path)
    run_once(places, DEFAULT_SCOPE, SUITE)
    others = [
        (DEFAULT_SCOPE, replace(SUITE, digest=Digest("e" * 64))),
        (Scope(TenantId("other"), ProjectId("default")), SUITE),
        (Scope(TenantId("default"), ProjectId("other")), SUITE),
    ]
    assert [run_once(places, scope, suite)[1] for scope, suite in others] == [b"", b"", b""]


def test_two_runs_side_by_side_have_a_place_each(tmp_path: Path) -> None:
    places = SuitePlaces(tmp_path)
    first = places.take(DEFAULT_SCOPE, SUITE)
    assert places.take(DEFAULT_SCOPE, SUITE) != first
    places.leave(first, SUITE)
    assert places.take(DEFAULT_SCOPE, SUITE) == first


def test_bytecode_stays_within_its_bound_and_the_newest_stays(tmp_path: Path) -> None:
    places = SuitePlaces(tmp_path, bytecode_bytes=9)
    for name in "abc":
        run_once(places, DEFAULT_SCOPE, replace(SUITE, digest=Digest(name * 64)))
    kept = [path.read_bytes() for path in tmp_path.rglob("*.pyc")]
    assert kept == [b"code", b"code"]
    assert run_once(places, DEFAULT_SCOPE, replace(SUITE, digest=Digest("c" * 64)))[1] == b"code"


def test_links_are_neither_kept_nor_followed(tmp_path: Path) -> None:
    places, outside = SuitePlaces(tmp_path / "places"), tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.pyc").write_bytes(b"secret")
    place = places.take(DEFAULT_SCOPE, SUITE)
    (place / "suite" / "__pycache__").mkdir(parents=True)
    (place / "suite" / "__pycache__" / "a.pyc").symlink_to(outside / "secret.pyc")
    (place / "suite" / "sub").mkdir()
    (place / "suite" / "sub" / "__pycache__").symlink_to(outside)
    places.leave(place, SUITE)
    assert not list(places.folder.rglob("*.pyc"))
    assert (outside / "secret.pyc").exists()
