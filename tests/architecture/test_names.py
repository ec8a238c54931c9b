"""Files and classes are small and named for what they are."""

import ast
import re
from pathlib import PurePosixPath

import pytest

from tests.architecture.source import BESIDE, PACKAGES, ROOT, modules, tree

MOST_LINES = 400
VAGUE_FILES = {
    *("util", "utils", "helper", "helpers", "common", "misc", "impl"),
    *("manager", "managers", "processor", "processors"),
}
VAGUE_CLASS = re.compile(r"(Manager|Helpers?|Utils?|Base|Impl|Data|Info|Processor)$")


def vague_words(path: str) -> set[str]:
    names = PurePosixPath(path).with_suffix("").parts
    return {word for name in names for word in name.split("_")} & VAGUE_FILES


def vague_classes(code: ast.AST) -> list[str]:
    classes = (node.name for node in ast.walk(code) if isinstance(node, ast.ClassDef))
    return [name for name in classes if VAGUE_CLASS.search(name)]


@pytest.mark.parametrize("path", modules(*PACKAGES, *BESIDE))
def test_module_is_short(path: str) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", modules(*PACKAGES, *BESIDE))
def test_file_is_named_for_its_noun(path: str) -> None:
    assert vague_words(path) == set()


@pytest.mark.parametrize("path", modules(*PACKAGES))
def test_class_is_named_for_its_noun(path: str) -> None:
    assert vague_classes(tree(path)) == []


@pytest.mark.parametrize("path", ["api/utils.py", "harness/common/run.py", "actors/run_helpers.py"])
def test_a_vague_file_is_seen(path: str) -> None:
    assert vague_words(path)


def test_a_vague_class_is_seen() -> None:
    code = ast.parse("class RunManager: ...\nclass Database: ...\nclass Run: ...")
    assert vague_classes(code) == ["RunManager"]
