"""Descriptions come from the suite and from hosts that may be asked, and from nowhere else."""

import json
from pathlib import Path

import pytest

from actors.specs.failure import StepFailed
from actors.specs.operations.source import DescriptionSource
from tests.unit.specs.operations.shop import DESCRIPTION, shop
from tests.unit.specs.world import a_step, a_test


def source(folder: Path, base_url: str = "", allow: list[str] | None = None) -> DescriptionSource:
    return DescriptionSource(a_step(a_test(folder, base_url, allow=allow)), {"X-Key": "k"})


@pytest.mark.parametrize(
    ("description", "told"),
    [
        ({"a": {"$ref": "../outside.json"}}, "lies outside the suite's folder"),
        ({"a": {"$ref": "/etc/passwd"}}, "lies outside the suite's folder"),
        ({"a": {"$ref": "%2e%2e/outside.json"}}, "lies outside the suite's folder"),
        ({"a": {"$ref": "link.json"}}, "lies outside the suite's folder"),
        ({"a": {"$ref": "http://elsewhere/a"}}, "elsewhere:80 is not allowed"),
        ({"a": {"$ref": "file://elsewhere/a"}}, "no file of the suite"),
        ({"a": {"$ref": "ftp://elsewhere/a"}}, "no file of the suite"),
        ({"a": {"$ref": "missing.json"}}, "missing.json cannot be read: No such file"),
        ([], "holds no object"),
    ],
)
def test_what_must_not_be_read_is_refused(tmp_path: Path, description: object, told: str) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (tmp_path / "outside.json").write_text("{}")
    (suite / "link.json").symlink_to(tmp_path / "outside.json")
    (suite / "api.json").write_text(json.dumps(description))
    with pytest.raises(StepFailed, match=told):
        source(suite, "http://127.0.0.1:1", allow=[]).whole("api.json")


def test_own_server_is_asked_with_the_headers(tmp_path: Path) -> None:
    with shop() as api:
        assert source(tmp_path, api.address).whole("/openapi.json") == DESCRIPTION
        with pytest.raises(StepFailed, match="gave 404"):
            source(tmp_path, api.address).whole("/things/none")
        headers = dict(api.asked[-1][2])
    assert headers["X-Key"] == "k"


def test_other_server_is_asked_without_the_headers(tmp_path: Path) -> None:
    with shop() as api:
        with pytest.raises(StepFailed):
            source(tmp_path, "http://127.0.0.1:1").whole(f"{api.address}/things/none")
        assert "X-Key" not in dict(api.asked[-1][2])
