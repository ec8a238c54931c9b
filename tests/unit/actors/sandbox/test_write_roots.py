"""Lists of folders that leave the platform's own out."""

from pathlib import Path

from actors.sandbox.write_roots import roots_without


def test_a_root_that_holds_the_protected_folder_is_taken_apart(tmp_path: Path) -> None:
    for name in ("system/lib", "system/opt/platform/secret", "system/opt/other", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    roots = [str(tmp_path / "system"), str(tmp_path / "elsewhere")]
    found = roots_without(roots, tmp_path / "system" / "opt" / "platform")
    assert found == [
        str(tmp_path / name) for name in ("system/lib", "system/opt/other", "elsewhere")
    ]


def test_other_roots_stay_as_they_are(tmp_path: Path) -> None:
    assert roots_without(["/usr", "/etc"], tmp_path) == ["/usr", "/etc"]
