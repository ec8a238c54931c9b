"""Operations under plain pytest, in a process of its own: ids, selection, secrets, refusals."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from xml.etree import ElementTree as ET

import graphql
import pytest

from tests.unit.specs.operations.shop import DESCRIPTION, Shop, shop

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

SPEC = """\
owner: shop-team
tags: [smoke]
base_url: {address}
secrets: [SHOP_KEY]
openapi:
  schema: {schema}
  tags: [contract]
  use: [place]
  auth: {{bearer: "${{secrets.SHOP_KEY}}"}}
  headers: {{X-Place: "${{fixtures.place}}"}}
  examples: 5
  phases: [coverage]
"""
CONFTEST = """\
import json
import pytest

@pytest.fixture
def place():
    return "here"

def pytest_runtest_teardown(item):
    with open("steps.jsonl", "a") as file:
        file.write(json.dumps([item.name, item._ath_steps]) + "\\n")
"""
KEY = "open-sesame-for-the-shop"


@pytest.fixture
def api() -> Iterator[Shop]:
    with shop() as opened:
        yield opened


def write(suite: Path, address: str, schema: str = "api.json", more: str = "") -> None:
    (suite / "pytest.ini").write_text("[pytest]\n")
    (suite / "conftest.py").write_text(CONFTEST)
    (suite / "api.json").write_text(json.dumps(DESCRIPTION))
    (suite / "shop.ath.yaml").write_text(SPEC.format(address=address, schema=schema) + more)


def run(suite: Path, *argv: str, code: str = "") -> "subprocess.CompletedProcess[str]":
    command = ["-c", code] if code else ["-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"]
    env = {"PATH": os.defpath, "SHOP_KEY": KEY, "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *command, *argv],
        cwd=suite, env=env, capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip


def collected(suite: Path, *argv: str) -> list[str]:
    found = run(suite, "--collect-only", *argv)
    return [line.partition("::")[2] for line in found.stdout.splitlines() if "::" in line]


def test_operations_are_items_that_are_selected_like_any(tmp_path: Path) -> None:
    write(tmp_path, "http://127.0.0.1:1")
    every = ["GET /things/{id}", "GET /things", "POST /orders"]
    assert collected(tmp_path) == every
    assert collected(tmp_path, "shop.ath.yaml::GET /things/{id}") == every[:1]
    assert collected(tmp_path, "-k", "POST", "-m", "contract and smoke") == every[2:]
    assert collected(tmp_path, "-m", "ath(owner='shop-team')") == every


def test_failures_secrets_steps_and_reports(tmp_path: Path, api: Shop) -> None:
    write(tmp_path, api.address, "/openapi.json")
    ran = run(tmp_path, "--junit-xml", "junit.xml")
    assert "2 failed, 1 passed" in ran.stdout, ran.stdout
    assert "shop.ath.yaml:5: in POST /orders" in ran.stdout
    assert "POST /orders: 2 checks failed: not_a_server_error: Server error (500)" in ran.stdout
    assert "Authorization: Bearer \u2039secret SHOP_KEY\u203a" in ran.stdout
    steps = (tmp_path / "steps.jsonl").read_text()
    junit = (tmp_path / "junit.xml").read_text()
    assert KEY not in ran.stdout + ran.stderr + steps + junit
    sent = [dict(headers) for _, _, headers, _ in api.asked]
    assert all(each["X-Place"] == "here" for each in sent)
    assert all(each["Authorization"] == f"Bearer {KEY}" for each in sent)
    cases = {case.get("name") for case in ET.fromstring(junit).iter("testcase")}
    assert "GET /things/{id}" in cases
    found = dict(map(json.loads, steps.splitlines()))
    (step,) = found["POST /orders"]
    names = [each["name"] for each in step["steps"]]
    assert names == [
        "coverage",
        "not_a_server_error: Server error (500)",
        "status_code_conformance: Undocumented status code (500)",
    ]
    assert "gave 500" in step["steps"][0]["detail"]
    assert "curl -X POST" in step["steps"][1]["detail"]


def test_bad_description_is_an_error_of_collection(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    write(suite, "http://127.0.0.1:1")
    (suite / "api.json").write_text('{"paths": {"/a": {"$ref": "../outside.json"}}}')
    ran = run(suite)
    assert ran.returncode == 2
    assert "shop.ath.yaml:5: openapi: '" in ran.stdout, ran.stdout
    assert "outside.json' lies outside the suite's folder" in ran.stdout


def test_parts_in_other_files_of_the_suite(tmp_path: Path, api: Shop) -> None:
    write(tmp_path, api.address)
    whole = json.loads(json.dumps(DESCRIPTION))
    whole["paths"]["/things"] = {"$ref": "parts/things.yaml#/things"}
    (tmp_path / "parts").mkdir()
    things = json.dumps({"things": DESCRIPTION["paths"]["/things"]})
    (tmp_path / "parts" / "things.yaml").write_text(
        things.replace("#/components", "../api.json#/components")
    )
    (tmp_path / "api.json").write_text(json.dumps(whole))
    ran = run(tmp_path, "shop.ath.yaml::GET /things")
    assert "GET /things: 1 check failed: response_schema_conformance" in ran.stdout, ran.stdout


@pytest.mark.long
def test_server_that_is_away_is_told(tmp_path: Path) -> None:
    write(tmp_path, "http://127.0.0.1:1", "/openapi.json")
    assert "GET http://127.0.0.1:1/openapi.json got no answer" in run(tmp_path).stdout
    write(tmp_path, "http://127.0.0.1:1")
    ran = run(tmp_path, "-k", "POST")
    assert "the server gave no answer: [Errno 111] Connection refused" in ran.stdout, ran.stdout


def test_missing_schemathesis_is_told(tmp_path: Path) -> None:
    write(tmp_path, "http://127.0.0.1:1")
    code = (
        "import sys; sys.modules['schemathesis.checks'] = None; import pytest; "
        "sys.exit(pytest.main(['-p', 'no:schemathesis', '-p', 'no:cacheprovider']))"
    )
    ran = run(tmp_path, code=code)
    assert "openapi: needs Schemathesis: pip install 'ai-test-harness[openapi]'" in ran.stdout


@pytest.mark.long
def test_five_thousand_operations_are_collected_and_one_is_tried(tmp_path: Path, api: Shop) -> None:
    write(tmp_path, api.address)
    get, filler = DESCRIPTION["paths"]["/things"]["get"], "x" * 1500
    paths = {f"/things{n}": {"get": {**get, "description": filler}} for n in range(4999)}
    whole = {**DESCRIPTION, "paths": {"/things": {"get": get}, **paths}}
    (tmp_path / "api.json").write_text(json.dumps(whole))
    assert (tmp_path / "api.json").stat().st_size > 9_000_000
    begun = time.monotonic()
    ran = run(tmp_path, "shop.ath.yaml::GET /things")
    assert "1 failed" in ran.stdout, ran.stdout[-2000:]
    assert "response_schema_conformance" in ran.stdout
    assert time.monotonic() - begun < 120


SDL = """\
type Query { product(id: Int!): Product! broken: Int! }
type Mutation { rename(id: Int!, name: String!): Product! }
type Product { id: Int! name: String! }
"""
GRAPHQL_SPEC = """\
base_url: {address}
graphql:
  endpoint: /graphql
  examples: 10
{more}
"""


class GraphqlHandler(BaseHTTPRequestHandler):
    schema = graphql.build_schema(SDL)

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        product = {"id": 1, "name": "apple"}
        root = {
            "product": lambda info, id: product,
            "rename": lambda info, id, name: product,
            "broken": lambda info: 1 // 0,
        }
        found = graphql.graphql_sync(self.schema, body["query"], root)
        data = json.dumps(found.formatted).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.mark.parametrize("more", ["", "  schema: api.graphql"])
def test_graphql_queries_and_mutations_are_items(tmp_path: Path, more: str) -> None:
    server = HTTPServer(("127.0.0.1", 0), GraphqlHandler)
    Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05}).start()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "api.graphql").write_text(SDL)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    (tmp_path / "shop.ath.yaml").write_text(GRAPHQL_SPEC.format(address=address, more=more))
    try:
        ran = run(tmp_path)
    finally:
        server.shutdown()
        server.server_close()
    assert "PASSED shop.ath.yaml::Query.product" in ran.stdout, ran.stdout
    assert "PASSED shop.ath.yaml::Mutation.rename" in ran.stdout
    assert "FAILED shop.ath.yaml::Query.broken" in ran.stdout
    assert "Query.broken: 1 check failed: not_a_server_error: GraphQL server error" in ran.stdout
