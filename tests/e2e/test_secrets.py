"""A suite gets a secret and tells it in every way; nothing that is kept holds it."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.domain.redaction import NOTE
from tests.support.live_platform import LivePlatform

pytestmark = pytest.mark.e2e

VALUE = 'hunter2/"secret"-%0123456789+xyz'
SUITE = """\
import atexit, base64, json, logging, os, sys, urllib.parse
import pytest

TOKEN = os.environ["TOKEN"]
print("collected with", TOKEN)
atexit.register(lambda: os.write(1, b"left with " + TOKEN.encode()))

@pytest.mark.parametrize("token", [TOKEN])
def test_tells(token, record_property, tmp_path):
    data = TOKEN.encode()
    print("clear", TOKEN)
    print("base64", base64.b64encode(data).decode())
    print("basic", base64.b64encode(b"user:" + data).decode())
    print("url", urllib.parse.quote(TOKEN, safe=""))
    print("json", json.dumps({"token": TOKEN}))
    print("hex", data.hex())
    print("x" * 65500 + TOKEN + "y" * 300000)
    logging.getLogger().warning("logged %s", TOKEN)
    os.write(1, b"raw output " + data + b"\\n")
    record_property("token", TOKEN)

def test_fails():
    raise RuntimeError(f"cannot sign in with {TOKEN}")

def test_differs():
    assert {"token": TOKEN} == {"token": "x"}

@pytest.fixture
def output_path(tmp_path):
    (tmp_path / "page.html").write_text("<a href='?t=%s'>" % urllib.parse.quote(TOKEN))
    (tmp_path / "har.json").write_text(json.dumps({"h": TOKEN, "n": "z" * 400000}))
    return str(tmp_path)

def test_leaves_files(output_path):
    assert TOKEN not in os.listdir(output_path)

def test_dies():
    print("dying with", TOKEN)
    sys.stdout.flush()
    os.abort()
"""
SERVER = """\
import http.server, os, sys
print("server with", os.environ["TOKEN"], flush=True)
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""
CONFIG = """\
[run]
secrets = ["TOKEN"]

[environments.served]
up = ["python", "server.py", "${port}"]
health = "http://127.0.0.1:${port}/"
"""


def forms(value: str) -> list[bytes]:
    data = value.encode()
    texts = [
        *(value, json.dumps(value)[1:-1], repr(value)[1:-1], quote(value, safe=""), quote(value)),
        *(base64.b64encode(data).decode(), base64.b64encode(b"user:" + data).decode()[8:-4]),
        *(data.hex(), data.hex().upper(), "hunter2", data[:12].hex()),
        base64.b64encode(data).decode()[:16],
    ]
    return [text.encode() for text in texts]


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All content below a folder, that of zip files unpacked."""
    for path in folder.rglob("*"):
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes()
        yield str(path), content
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                yield from ((f"{path}!{name}", archive.read(name)) for name in archive.namelist())


def test_nothing_that_is_kept_holds_a_secret(
    platform: LivePlatform, client: Client, suite: Path, tmp_path: Path
) -> None:
    (suite / "test_it.py").write_text(SUITE)
    (suite / "server.py").write_text(SERVER)
    (suite / "ath.toml").write_text(CONFIG)
    put = platform.ath("secrets", "set", "TOKEN", told=f"{VALUE}\n")
    assert put.returncode == ExitCode.PASSED, put.stderr
    report = tmp_path / "report.xml"
    ran = platform.ath(
        *("run", "--env", "served", "--junit", str(report), "--", "pytest", "-rA"), cwd=suite
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == ExitCode.FAILED, said
    run = client.runs.list(limit=1)[0]
    results = client.runs.results(run.id)
    assert {v.value: n for v, n in results.counts().items() if n} == {"passed": 2, "failed": 3}
    kept = {}
    for ref in client.runs.artifacts(run.id):
        client.artifacts.save(ref, tmp_path / "kept")
        kept[ref.name] = (tmp_path / "kept").read_bytes()
    assert {name.rpartition("/")[2] for name in kept} == {
        *("runner.log", "environment.log", "page.html", "har.json")
    }
    events = json.dumps([dict(event.data) for event in client.runs.events(run.id)])
    assert NOTE.format("TOKEN") in report.read_text()
    assert NOTE.format("TOKEN") in kept["runner.log"].decode()
    assert NOTE.format("TOKEN") in kept["environment.log"].decode()
    found = [
        (place, form)
        for place, content in [
            *everything(platform.home),
            *everything(platform.settings.scratch),
            ("report", report.read_bytes()),
            ("command", said.encode()),
            ("events", events.encode()),
            *kept.items(),
        ]
        for form in forms(VALUE)
        if form in content
    ]
    assert found == []


def test_a_secret_is_listed_without_its_value_and_can_be_deleted(platform: LivePlatform) -> None:
    platform.ath("secrets", "set", "GONE", told="short-lived-value\n")
    listed = platform.ath("secrets", "list", "--json")
    assert "GONE" in {secret["name"] for secret in json.loads(listed.stdout)}
    assert "short-lived-value" not in listed.stdout
    assert platform.ath("secrets", "delete", "GONE").returncode == ExitCode.PASSED
    again = platform.ath("secrets", "delete", "GONE")
    assert again.returncode == ExitCode.USAGE
    assert "no secret GONE" in again.stderr


def test_a_run_that_names_an_unknown_secret_is_refused(platform: LivePlatform, suite: Path) -> None:
    ran = platform.ath("run", "--secret", "NOBODY", "--", "pytest", cwd=suite)
    assert ran.returncode == ExitCode.USAGE
    assert "ath secrets set NOBODY" in ran.stderr
