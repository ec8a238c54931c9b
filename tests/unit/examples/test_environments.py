"""The example's ath.toml: its environments differ only in the variant they start."""

import tomllib
from pathlib import Path

import examples

SETTINGS = Path(examples.__file__).parent / "datasette" / "ath.toml"


def test_environments_differ_in_the_variant_only() -> None:
    environments = tomllib.loads(SETTINGS.read_text("utf-8"))["environments"]
    stable, candidate = environments["stable"], environments["candidate"]
    stable["up"][stable["up"].index("stable")] = "candidate"
    assert stable == candidate


def test_failed_tests_are_attempted_again() -> None:
    assert tomllib.loads(SETTINGS.read_text("utf-8"))["run"] == {"retries": 1}
