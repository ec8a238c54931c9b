"""What the installer asks of a machine and of its user."""

import ast
from pathlib import Path

import pytest

import cluster.install
from cluster.install import may_install, missing_prerequisite


def test_a_complete_python_lacks_nothing() -> None:
    assert missing_prerequisite((3, 11), ensurepip=object()) == ""


def test_an_old_python_is_told_which_to_install() -> None:
    problem = missing_prerequisite((3, 9), ensurepip=object())
    assert "python3.9" in problem
    assert "3.11 or newer" in problem


def test_a_python_without_ensurepip_names_the_package() -> None:
    assert "apt-get install python3.12-venv" in missing_prerequisite((3, 12), ensurepip=None)


def test_installer_is_understood_by_old_pythons() -> None:
    source = Path(cluster.install.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    assert not [
        n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "__future__"
    ]


@pytest.mark.parametrize(
    ("environ", "root_in_container", "allowed"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"CI": "true"}, False, True),
        ({"CI": "false"}, False, False),
        ({"ATH_INSTALL_SYSTEM": "yes"}, False, True),
        ({"ATH_INSTALL_SYSTEM": "no", "CI": "true"}, True, False),
    ],
)
def test_system_packages_need_consent(
    environ: dict[str, str], root_in_container: bool, allowed: bool
) -> None:
    given = may_install(environ, root_in_container=root_in_container, terminal=False)
    assert given is allowed
