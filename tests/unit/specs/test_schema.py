"""Editors know what a spec may hold."""

import json

import yaml
from jsonschema import Draft202012Validator

from actors.specs.schema import ADDRESS, json_schema
from tests.architecture.source import ROOT

GOOD = """
base_url: http://localhost
tests:
  - id: a
    matrix: {one: {code: 200}}
    steps:
      - api: {request: GET /, expect: {status: "${matrix.code}", json: {$.a: 1, $.b: {min: 2}}}}
"""


def mistakes(text: str) -> list[str]:
    found = Draft202012Validator(json_schema()).iter_errors(yaml.safe_load(text))
    return [error.json_path for error in found]


def test_published_schema_is_the_one_of_the_code() -> None:
    published = json.loads((ROOT / ADDRESS).read_text(encoding="utf-8"))
    assert published == json_schema(), f"make it anew: ath schema spec > {ADDRESS}"


def test_schema_is_sound_and_accepts_a_spec() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert mistakes(GOOD) == []


def test_schema_refuses_what_a_spec_must_not_hold() -> None:
    assert mistakes(GOOD.replace("request:", "requst:"))
    assert mistakes(GOOD.replace("GET /", "FETCH /"))
    assert mistakes(GOOD.replace("min:", "minn:"))
