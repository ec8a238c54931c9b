"""Places of suites, and the bytecode that stays at them."""

import importlib.util
import os
import py_compile
from dataclasses import replace
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from actors.workers.suite_places import Circle, SuitePlaces
from harness.domain.ids import ProjectId, TenantId
from harness.domain.scope import DEFAULT_SCOPE, Scope

CIRCLE = Circle(DEFAULT_SCOPE, "suite", "ada", (), judges=False)
SOURCE = "x = 1\n"


def run_once(
    places: SuitePlaces,
    circle: Circle = CIRCLE,
    source: str = SOURCE,
    time: int = 1_000_000_000,
    mode: PycInvalidationMode = PycInvalidationMode.TIMESTAMP,
) -> tuple[Path, bool]:
    """Unpack, furnish, compile, leave; gives the place, and whether bytecode was found there."""
    place = places.take(circle)
    file = place / "suite" / "sub" / "test_a.py"
    file.parent.mkdir(parents=True)
    file.write_text(source)
    os.utime(file, (time, time))
    places.furnish(place, circle)
    compiled = Path(importlib.util.cache_from_source(str(file)))
    found = compiled.exists()
    if found and mode is PycInvalidationMode.TIMESTAMP:
        assert int.from_bytes(compiled.read_bytes()[8:12], "little") == time
    py_compile.compile(str(file), invalidation_mode=mode)
    (compiled.parent / "notes.txt").write_text("not bytecode")
    places.leave(place, circle)
    assert not place.exists()
    return place, found


def test_unchanged_source_comes_back_to_its_bytecode(tmp_path: Path) -> None:
    places = SuitePlaces(tmp_path)
    first, nothing = run_once(places)
    second, found = run_once(places, time=1_234_567_890)
    assert (second, nothing, found) == (first, False, True)
    assert not list(tmp_path.rglob("notes.txt"))


@pytest.mark.parametrize(
    ("mode", "kept"),
    [(PycInvalidationMode.CHECKED_HASH, True), (PycInvalidationMode.UNCHECKED_HASH, False)],
)
def test_bytecode_by_hash_is_kept_where_python_checks_it(
    tmp_path: Path, mode: PycInvalidationMode, kept: bool
) -> None:
    places = SuitePlaces(tmp_path)
    run_once(places, mode=mode)
    assert run_once(places, time=1_234_567_890, mode=mode)[1] is kept


def test_changed_source_of_the_same_size_and_time_is_compiled_anew(tmp_path: Path) -> None:
    places = SuitePlaces(tmp_path)
    run_once(places)
    assert not run_once(places, source="x = 2\n")[1]


def test_bytecode_that_is_not_of_the_source_beside_it_is_not_kept(tmp_path: Path) -> None:
    places = SuitePlaces(tmp_path)
    place = places.take(CIRCLE)
    file = place / "suite" / "test_a.py"
    file.parent.mkdir(parents=True)
    file.write_text(SOURCE)
    py_compile.compile(str(file))
    file.write_text("x = 1 + 1\n")
    places.leave(place, CIRCLE)
    assert not list(tmp_path.rglob("*.pyc"))


@pytest.mark.parametrize(
    "other",
    [
        replace(CIRCLE, scope=Scope(TenantId("other"), ProjectId("default"))),
        replace(CIRCLE, scope=Scope(TenantId("default"), ProjectId("other"))),
        replace(CIRCLE, submitted_by="eve"),
        replace(CIRCLE, secrets=("TOKEN",)),
        replace(CIRCLE, judges=True),
    ],
)
def test_nobody_outside_the_circle_finds_any(tmp_path: Path, other: Circle) -> None:
    places = SuitePlaces(tmp_path)
    run_once(places)
    assert not run_once(places, other)[1]


def test_two_runs_side_by_side_have_a_place_each(tmp_path: Path) -> None:
    places = SuitePlaces(tmp_path)
    first = places.take(CIRCLE)
    assert places.take(CIRCLE) != first
    places.leave(first, CIRCLE)
    assert places.take(CIRCLE) == first


def test_bytecode_stays_within_its_bound_and_the_newest_stays(tmp_path: Path) -> None:
    circles = [replace(CIRCLE, submitted_by=name) for name in "abc"]
    run_once(SuitePlaces(tmp_path / "measured"))
    size = next((tmp_path / "measured").rglob("*.pyc")).stat().st_size
    places = SuitePlaces(tmp_path / "places", bytecode_bytes=2 * size)
    for circle in circles:
        run_once(places, circle)
    assert [run_once(places, circle)[1] for circle in (circles[2], circles[0])] == [True, False]


def test_links_are_neither_kept_nor_followed(tmp_path: Path) -> None:
    places, outside = SuitePlaces(tmp_path / "places"), tmp_path / "outside"
    outside.mkdir()
    (outside / "test_a.py").write_text(SOURCE)
    py_compile.compile(str(outside / "test_a.py"), str(outside / "test_a.cpython-311.pyc"))
    place = places.take(CIRCLE)
    cache = place / "suite" / "__pycache__"
    cache.mkdir(parents=True)
    (place / "suite" / "test_a.py").symlink_to(outside / "test_a.py")
    (cache / "test_a.cpython-311.pyc").write_bytes(
        (outside / "test_a.cpython-311.pyc").read_bytes()
    )
    (cache / "test_b.cpython-311.pyc").symlink_to(outside / "test_a.cpython-311.pyc")
    (place / "suite" / "sub").mkdir()
    (place / "suite" / "sub" / "__pycache__").symlink_to(outside)
    places.leave(place, CIRCLE)
    assert not list(places.folder.rglob("*.pyc"))
    assert (outside / "test_a.cpython-311.pyc").exists()
