"""Environments are built once, in a sandbox, and are complete or not there."""

import asyncio
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from uv import find_uv_bin

from actors.environments.build import BuildLimits
from actors.sandbox.landlock import landlock_abi
from harness.domain.ids import TenantId
from harness.domain.python_environment import PythonEnvironment
from harness.errors import InvalidInput, StorageFull, Unavailable
from harness.events.facts import PythonEnvironmentReady
from tests.process.environments.conftest import ANN, Node, NodeMaker
from tests.support.wheels import sdist, wheels_of_pytest

pytestmark = pytest.mark.process

ONE = "pytest\ntiny==1.0\n"
BOB = TenantId("bob")


def says(python: str, code: str) -> str:
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


async def test_an_environment_is_built_once_and_holds_what_is_asked_for(node: Node) -> None:
    first = await node.hold(ONE)
    second = await node.hold(ONE)
    assert first.python == second.python
    assert says(first.python, "import tiny, pytest; print(tiny.WORD)") == "one"
    assert node.said() == ["Begun", "Ready", "Ready"]
    ready = [fact for fact in node.facts if isinstance(fact, PythonEnvironmentReady)]
    assert [fact.was_built for fact in ready] == [True, False]
    assert ready[0].packages == 6
    assert ready[1].seconds < ready[0].seconds / 2


async def test_another_lock_is_another_environment(node: Node) -> None:
    one, two = await node.hold(ONE), await node.hold("pytest\ntiny==2.0\n")
    assert says(one.python, "import tiny; print(tiny.WORD)") == "one"
    assert says(two.python, "import tiny; print(tiny.WORD)") == "two"


@pytest.mark.long
async def test_another_tenant_builds_for_itself(node: Node) -> None:
    anns, bobs = await node.hold(ONE, ANN), await node.hold(ONE, BOB)
    assert node.said() == ["Begun", "Ready", "Begun", "Ready"]
    root = node.cache.folders.root
    assert Path(anns.python).is_relative_to(root / "ann")
    assert Path(bobs.python).is_relative_to(root / "bob")
    shared = [
        path
        for path in (root / "bob").rglob("*.py")
        if path.stat().st_nlink > 1
        and path.stat().st_ino in {other.stat().st_ino for other in (root / "ann").rglob("*.py")}
    ]
    assert shared == []


async def test_a_second_run_waits_for_the_first_and_says_so(node: Node) -> None:
    held = await asyncio.gather(node.hold(ONE), node.hold(ONE), node.hold(ONE))
    assert len({environment.python for environment in held}) == 1
    assert node.said().count("Begun") == 1
    assert node.said().count("Awaited") == 2
    assert node.said().count("Ready") == 3


async def test_a_cancelled_build_leaves_nothing_and_the_next_one_builds(node: Node) -> None:
    building = asyncio.create_task(node.hold(ONE))
    await node.began.wait()
    await asyncio.wait([building], timeout=0.3)
    assert list(node.cache.folders.root.glob("ann/.building/*")) != []
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    assert list(node.cache.folders.root.glob("ann/.building/*")) == []
    assert says((await node.hold(ONE)).python, "import tiny; print(tiny.WORD)") == "one"


async def test_what_a_killed_host_left_is_swept_and_never_taken(node_with: NodeMaker) -> None:
    node = node_with()
    environment = Path((await node.hold(ONE)).built.folder)
    left = node.cache.folders.root / "ann" / ".building" / f"{environment.name}x-abc"
    (left / "environment" / "bin").mkdir(parents=True)
    again = node_with()
    assert not left.exists()
    await again.hold(ONE)
    assert again.said() == ["Ready"]


async def test_packages_that_do_not_exist_are_the_users_mistake(node: Node) -> None:
    with pytest.raises(InvalidInput, match=r"(?s)requirements\.txt.*tiny==9"):
        await node.hold("pytest\ntiny==9\n")


async def test_a_lock_without_pytest_is_named(node: Node) -> None:
    with pytest.raises(InvalidInput, match=r"pytest is not among .* of requirements\.txt"):
        await node.hold("tiny==1.0\n")


async def test_an_index_that_does_not_answer_is_not_the_users_mistake(node: Node) -> None:
    nobody = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"}
    lonely = Node(replace(node.cache, index=nobody), node.suite)
    with pytest.raises(Unavailable, match=r"(?s)exit code 2.*127\.0\.0\.1:9"):
        await lonely.hold(ONE)


async def test_a_source_distribution_sees_no_secret_and_no_other_folder(
    node_with: NodeMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATH_TOKEN", "ath_very_secret")
    (tmp_path / "environments" / "bob").mkdir(parents=True)
    (tmp_path / "environments" / "bob" / "theirs").write_text("theirs")
    (tmp_path / "key").write_text("key")
    node = node_with(found=spying_index(tmp_path))
    with pytest.raises(InvalidInput) as refused:
        await node.hold("pytest\nspy\n")
    said = str(refused.value)
    assert "spied" in said
    assert "ath_very_secret" not in said
    if landlock_abi():
        assert "read theirs: PermissionError" in said
        assert "read key: PermissionError" in said
        assert "wrote: PermissionError" in said
    assert not (tmp_path / "written").exists()


GREEDY = """import threading, os
for n in range(90):
    open(str(n), 'wb').write(os.urandom(1 << 20))
threading.Event().wait()"""


def spying_index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    wheels_of_pytest(folder)
    setup = f"""
import os, pathlib
def attempt(name, act):
    try:
        act()
    except OSError as error:
        print(name + ": " + type(error).__name__)
    else:
        print(name + ": done")
def get_requires_for_build_wheel(config_settings=None):
    here = pathlib.Path({str(tmp_path)!r})
    attempt("read theirs", (here / "environments/bob/theirs").read_text)
    attempt("read key", (here / "key").read_text)
    attempt("wrote", lambda: (here / "written").write_text("x"))
    print("spied", sorted(os.environ.items()))
    raise SystemExit(3)
def build_wheel(*args, **kwargs):
    raise SystemExit(3)
"""
    sdist(folder, "spy", "1.0", setup)
    return folder


@pytest.mark.parametrize(
    ("limits", "code", "error", "words"),
    [
        (BuildLimits(seconds=2), "import threading; threading.Event().wait()", Unavailable, "2 s"),
        (
            BuildLimits(disk_bytes=40 << 20),
            GREEDY,
            StorageFull,
            "more than 40 MiB",
        ),
        (
            BuildLimits(memory_bytes=256 << 20),
            "x = b'x' * (1 << 30)\nimport threading; threading.Event().wait()",
            Unavailable,
            "256 MiB of memory",
        ),
    ],
    ids=["time", "disk", "memory"],
)
async def test_a_build_is_bounded(
    node_with: NodeMaker,
    tmp_path: Path,
    limits: BuildLimits,
    code: str,
    error: type[Exception],
    words: str,
) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    body = code.replace("\n", "\n    ")
    sdist(folder, "heavy", "1.0", f"def build_wheel(*a, **k):\n    {body}\n")
    node = node_with(limits, found=folder)
    with pytest.raises(error, match=words):
        await node.hold("heavy\n")
    assert list(node.cache.folders.root.glob("ann/.building/*")) == []


async def test_what_was_used_longest_ago_goes_but_never_what_is_in_use(node: Node) -> None:
    folders = node.cache.folders
    oldest = await node.hold(ONE)
    other = await node.hold("pytest\ntiny==2.0\n")
    third = await node.hold("pytest\n")
    for age, environment in enumerate([third, other, oldest]):
        lock = environment.built.folder.with_name(f".{environment.built.folder.name}.lock")
        os.utime(lock, (1e9 - age, 1e9 - age))
    other.release()
    third.release()
    used = folders.usage().bytes
    assert folders.shrink(used - 1) == 1
    assert oldest.built.folder.exists()
    assert not other.built.folder.exists()
    assert third.built.folder.exists()
    assert folders.clear() == 1
    assert folders.usage().environments == 1
    assert says(oldest.python, "import tiny; print(tiny.WORD)") == "one"


async def test_an_unknown_python_is_refused(node: Node) -> None:
    (node.suite / "requirements.txt").write_text(ONE)
    wanted = PythonEnvironment("requirements.txt", "3.99")
    with pytest.raises(InvalidInput, match=r"no Python 3\.99"):
        await node.cache.hold(ANN, node.suite, wanted, node.observe)


PROJECT = """
[project]
name = "shop"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["tiny==1.0"]
[dependency-groups]
dev = ["pytest"]
more = ["tiny"]
[build-system]
requires = ["no-such-backend"]
build-backend = "no_such"
[tool.uv]
environments = ["sys_platform == 'linux'"]
"""


async def test_a_uv_lock_is_installed_without_the_project_whose_source_is_found(
    node: Node, index: Path
) -> None:
    lock(node.suite, index, "lock")
    (node.suite / "src" / "shop").mkdir(parents=True)
    wanted = PythonEnvironment("uv.lock", groups=("more",))
    held = await node.cache.hold(ANN, node.suite, wanted, node.observe)
    assert says(held.python, "import tiny, pytest; print(tiny.WORD)") == "one"
    active = held.activate({"PATH": "/bin", "PYTHONPATH": "/mine", "LANG": "C"})
    assert active == {
        "PATH": f"{held.built.folder}/bin:/bin",
        "VIRTUAL_ENV": str(held.built.folder),
        "PYTHONPATH": str(node.suite / "src"),
        "LANG": "C",
    }


async def test_a_pylock_is_installed(node: Node, index: Path) -> None:
    lock(node.suite, index, "export", "--format=pylock.toml", "--no-emit-project", "-opylock.toml")
    wanted = PythonEnvironment("pylock.toml")
    held = await node.cache.hold(ANN, node.suite, wanted, node.observe)
    assert says(held.python, "import tiny, pytest; print(tiny.WORD)") == "one"


async def test_a_wrong_hash_is_refused(node: Node) -> None:
    with pytest.raises(InvalidInput, match=r"(?i)hash"):
        await node.hold(f"pytest\ntiny==1.0 --hash=sha256:{'0' * 64}\n")


def lock(suite: Path, index: Path, *words: str) -> None:
    (suite / "pyproject.toml").write_text(PROJECT)
    argv = [find_uv_bin(), *words, "--default-index", index.as_uri()]
    subprocess.run(argv, cwd=suite, check=True, capture_output=True)
