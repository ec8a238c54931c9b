"""The project's own files, as the architecture tests read them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("harness", "actors", "pipelines", "api", "serve", "cluster")
BESIDE = ("tests", "examples", "benchmarks")


def modules(*folders: str) -> list[str]:
    """Paths of Python files, relative to the checkout."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in ROOT.glob(f"{folder}/**/*.py")
    )


def imports(tree: ast.AST) -> Iterator[str]:
    """Full names of what is imported absolutely, `from a import b` as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tree(path: str) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)
