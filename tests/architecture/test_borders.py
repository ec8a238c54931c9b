"""Borders that import contracts cannot see."""

import ast
import sys

import pytest

from tests.architecture.source import PACKAGES, ROOT, imports, modules, tree

READERS_OF_THE_ENVIRONMENT = {
    "harness/settings.py",
    "cluster/install.py",
    "actors/sandbox/warden.py",
    "actors/sandbox/inside/program.py",  # sets it, for the code that it becomes
}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
NEWER_THAN_PYTHON_3_9 = {"tomllib"}
INJECTED = modules("harness/inject/_ath_pytest")


def reads_environment(code: ast.AST) -> bool:
    named = {name.removeprefix("os.") for name in imports(code) if name.startswith("os.")}
    used = {
        node.attr
        for node in ast.walk(code)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }
    return bool(ENVIRONMENT & (named | used))


def uses_serve(code: ast.AST) -> bool:
    return any(name == "ray.serve" or name.startswith("ray.serve.") for name in imports(code))


def foreign(code: ast.AST) -> set[str]:
    ours = {"pytest", "_pytest", "_ath_pytest"}
    roots = {name.partition(".")[0] for name in imports(code)}
    return roots - ours - (sys.stdlib_module_names - NEWER_THAN_PYTHON_3_9)


@pytest.mark.parametrize("path", modules(*PACKAGES))
def test_only_settings_read_the_environment(path: str) -> None:
    allowed = path in READERS_OF_THE_ENVIRONMENT or path.startswith("harness/inject/")
    assert allowed or not reads_environment(tree(path))


@pytest.mark.parametrize("path", modules(*PACKAGES))
def test_only_serve_uses_ray_serve(path: str) -> None:
    assert path.startswith("serve/") or not uses_serve(tree(path))


@pytest.mark.parametrize("path", INJECTED)
def test_injected_package_is_python_3_9_and_needs_pytest_alone(path: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert foreign(ast.parse(source, path, feature_version=(3, 9))) == set()


@pytest.mark.parametrize(
    "code",
    ["import os\nos.environ['A']", "from os import getenv", "import os\nprint(os.getenv('A'))"],
)
def test_a_reader_of_the_environment_is_seen(code: str) -> None:
    assert reads_environment(ast.parse(code))


@pytest.mark.parametrize(
    "code", ["from ray import serve", "import ray.serve", "from ray.serve.handle import X"]
)
def test_a_use_of_ray_serve_is_seen(code: str) -> None:
    assert uses_serve(ast.parse(code))


def test_our_own_serve_is_not_rays() -> None:
    assert not uses_serve(ast.parse("from serve.wiring import Wiring\nimport ray"))


def test_a_foreign_import_of_the_injected_package_is_seen() -> None:
    code = ast.parse("import json, httpx\nfrom harness.domain import run\nfrom . import wire")
    assert foreign(code) == {"httpx", "harness"}
