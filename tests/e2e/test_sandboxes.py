"""Sandboxes on a live platform: used, attacked, killed, and nothing left of them."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from api.auth.keys import hash_key, new_key
from harness.client import AsyncClient, Client, Sandbox
from harness.domain.ids import TenantId
from harness.domain.principal import Principal, Role
from harness.domain.sandbox import Chunk, Command, ExecResult, Limits, Reason
from harness.domain.sandbox_tier import Control, Hold
from harness.errors import HarnessError, InvalidInput, NotFound, TierUnavailable, Unavailable
from harness.ports.entropy import SystemEntropy
from harness.stores.sql.records import SqlRecords
from tests.architecture.source import ROOT
from tests.support.live_platform import LivePlatform, installation
from tests.support.pages import blocks, commands

pytestmark = pytest.mark.e2e

PAGE = ROOT / "docs" / "sandbox.md"

SMALL = Limits(memory_bytes=128 << 20, processes=32, disk_bytes=16 << 20, file_bytes=64 << 20)
SERVE = """
import http.server
class Shop(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Set-Cookie", "ath_session=mine")
        self.end_headers()
        self.wfile.write(self.path.encode() + b" " + body + repr(self.headers.items()).encode())
http.server.HTTPServer(("127.0.0.1", 8000), Shop).serve_forever()
"""
ENDS_SECONDS = 20.0


@pytest.fixture
def box(client: Client) -> Iterator[Sandbox]:
    try:
        made = client.sandbox(limits=SMALL, lifetime_seconds=120)
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    with made:
        yield made


@pytest.fixture
def stranger(platform: LivePlatform) -> Iterator[Client]:
    key = new_key(SystemEntropy())
    store = SqlRecords(platform.settings.records, SystemEntropy())
    secret = (platform.home / "secret").read_bytes()
    store.add_key(hash_key(secret, key), Principal("otto", TenantId("other"), Role.OPERATOR))
    store.close()
    with Client(installation(platform.home).url, key) as client:
        yield client


def shell(box: Sandbox, text: str, **options: float) -> ExecResult:
    return box.exec(["sh", "-c", text], **options)


def asked(box: Sandbox, path: str) -> httpx.Response:
    """As soon as its server is there."""
    until = time.monotonic() + ENDS_SECONDS
    while True:
        try:
            return box.request(8000, path, method="POST", content=b"body")
        except Unavailable:
            if time.monotonic() > until:
                raise


def test_a_sandbox_is_used_from_its_begin_to_its_end(
    client: Client, stranger: Client, box: Sandbox
) -> None:
    box.files.make_folder("src")
    box.files.write("src/hello.py", "import sys; print('hello', *sys.argv[1:])")
    told = box.exec(["python3", "src/hello.py", "wörld"])
    assert (told.stdout, told.reason, told.exit_code) == ("hello wörld\n".encode(), "exit", 0)
    items = list(box.exec_stream(Command(code="print('one', flush=True); print('two')")))
    assert b"".join(one.data for one in items if isinstance(one, Chunk)) == b"one\ntwo\n"
    assert isinstance(items[-1], ExecResult)
    assert shell(box, "sleep 60", timeout_seconds=0.2).reason is Reason.TIMEOUT
    with box.fork() as fork:
        assert [one.name for one in fork.files.list("src")] == ["hello.py"]
        assert fork.status().limits == SMALL
        fork.files.write("only-here", "x")
    with pytest.raises(NotFound):
        box.files.read("only-here")
    server = box.start(Command(code=SERVE))
    answer = asked(box, "/shop?item=1")
    assert answer.status_code == 201
    assert answer.content.startswith(b"/shop?item=1 body")
    assert b"Bearer" not in answer.content
    assert "set-cookie" not in answer.headers
    server.end()
    controls = box.events()[0].facts["controls"]
    assert isinstance(controls, dict)
    assert set(controls) == {str(one) for one in Control}
    assert stranger.sandboxes.list() == []
    theirs = stranger.sandboxes.get(box.id)
    for call in (theirs.status, theirs.kill, theirs.snapshot, lambda: theirs.exec(["id"])):
        with pytest.raises(NotFound):
            call()
    box.kill()
    assert box.status().reason is Reason.KILLED
    with pytest.raises(NotFound, match="has ended"):
        box.exec(["true"])


async def test_asynchronous_programs_reach_it(platform: LivePlatform, box: Sandbox) -> None:
    token = (platform.home / "token").read_text()
    async with AsyncClient(installation(platform.home).url, token) as client:
        async with client.sandbox(limits=SMALL) as other:
            await other.files.write("a", b"\x00\xff")
            assert (await other.exec(["cat", "a"])).stdout == b"\x00\xff"
        living = [one.id for one in await client.sandboxes.list()]
        assert box.id in living
        assert other.id not in living
        with pytest.raises(TierUnavailable) as raised:
            await client.sandboxes.create(demands={Control.DEADLINE: Hold.ENFORCED})
    assert raised.value.missing == ("deadline (watchdog, not enforced)",)


def test_nothing_hostile_comes_through_the_api(client: Client, box: Sandbox) -> None:
    links = "ln -s /etc/passwd link; ln -s / root; ln -s .. up; mkfifo pipe; mkdir d; ln -s /proc p"
    shell(box, links)
    for path in (
        *("../x", "../../etc/passwd", "/etc/passwd", "/workspace/../etc/passwd", "link"),
        *("root/etc/passwd", "up/x", "pipe", "d", "p/self/environ", "a\0b", "x" * 5000, "."),
    ):
        with pytest.raises(HarnessError) as refused:
            box.files.read(path)
        assert refused.value.status in {403, 404, 422}, path
        with pytest.raises(HarnessError) as refused:
            box.files.write(f"{path}/../../../../y", "x")
        assert refused.value.status in {403, 404, 422}, path
    shell(box, "printf x >\"$(printf 'a\\377b')\"")
    assert "a\\xffb" in [one.name for one in box.files.list()]
    for trouble, reason in (
        ("yes", Reason.OUTPUT),
        ("head -c 200m /dev/zero | tail", Reason.OOM),
        ("for i in $(seq 100); do sleep 5 & done", Reason.PIDS),
        ("head -c 100m /dev/zero >big", Reason.DISK),
    ):
        command = Command(argv=["sh", "-c", trouble], output_limit_bytes=4 << 20)
        told = box.exec(command)
        assert told.reason is reason, (trouble, told.reason, told.stderr[-200:])
        assert len(told.stdout) <= command.output_bytes
    with pytest.raises(InvalidInput):
        client.sandbox(limits=Limits(memory_bytes=1 << 50))
    with pytest.raises(HarnessError) as refused:
        box.files.write("huge", b"x" * (33 << 20))
    assert refused.value.status == 413
    assert shell(box, "rm -f big; echo alive").stdout == b"alive\n"


def test_the_command_line_runs_and_tells(
    platform: LivePlatform, box: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "add.py").write_text("import sys; print(sum(map(int, sys.stdin)))")
    words = ("sandbox", "run", "--stdin", "--file", "add.py", "--", "python3", "add.py")
    added = platform.ath(*words, cwd=tmp_path, told="1\n2\n")
    late = platform.ath("sandbox", "run", "--timeout", "0.5", "--", "sleep", "60")
    whole = platform.ath("sandbox", "run", "--json", "--", "sh", "-c", "echo hi; exit 4")
    listed = platform.ath("sandbox", "list", "--json")
    assert (added.returncode, added.stdout) == (0, "3\n"), added.stderr
    assert (late.returncode, "timeout" in late.stderr) == (124, True)
    assert (whole.returncode, json.loads(whole.stdout)["stdout"]) == (4, "hi\n")
    assert [one["id"] for one in json.loads(listed.stdout)] == [box.id]


@pytest.mark.long
def test_what_the_page_shows_is_done(platform: LivePlatform, box: Sandbox, tmp_path: Path) -> None:
    url, token = installation(platform.home).url, (platform.home / "token").read_text()
    environ = platform.environ | {"ATH_URL": url, "ATH_TOKEN": token}
    for program in blocks(PAGE, "python"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    (tmp_path / "script.py").write_text("print('hello')")
    for line in commands(PAGE):
        if line.startswith("ath sandbox run"):
            ran = platform.ath(*shlex.split(line)[1:], cwd=tmp_path)
            assert (ran.returncode, "exit 4" in line) in {(0, False), (4, True)}, ran.stderr
    (line,) = (line for line in commands(PAGE) if line.startswith("curl"))
    asked = ["bash", "-c", line.replace("curl", "curl --fail --silent")]
    said = subprocess.run(asked, env=environ, capture_output=True, text=True, check=True)
    with platform.client() as client:
        client.sandboxes.get(json.loads(said.stdout)["id"]).kill()
    checks = json.loads(platform.ath("doctor", "--json").stdout)
    (found,) = [check["found"] for check in checks if check["name"] == "Sandboxes"]
    assert found == "1 of at most 32 live"


def test_with_its_host_every_sandbox_ends(
    platform: LivePlatform, client: Client, box: Sandbox
) -> None:
    box.start(["sh", "-c", "touch up; exec sleep 1000"])
    assert shell(box, "while [ ! -e up ]; do sleep 0.01; done").ok
    (host,) = platform.running(lambda line: line.startswith("ray::SandboxHostActor"))
    inside = host.children(recursive=True)
    assert len(inside) > 2
    host.kill()
    _, left = psutil.wait_procs(inside, timeout=ENDS_SECONDS)
    assert left == []
    with _made_again(client) as other:
        assert shell(other, "echo again").stdout == b"again\n"
        with pytest.raises(NotFound):
            box.exec(["true"])
    # What waits for its tenant, and this one, the platform's end takes along: see the fixture.
    client.sandbox().start(["sleep", "1000"])


def _made_again(client: Client) -> Sandbox:
    until = time.monotonic() + ENDS_SECONDS
    while True:
        try:
            return client.sandbox(limits=SMALL)
        except Unavailable:
            if time.monotonic() > until:
                raise


def test_its_way_out_is_bounded_and_told(client: Client) -> None:
    code = """
import urllib.request
try:
    urllib.request.urlopen("http://169.254.169.254/")
except OSError as failed:
    print(failed)
"""
    with client.sandbox(policy="network: {allow: [{host: example.com}]}") as box:
        assert b"403" in box.exec(Command(code=code)).stdout
        (refused,) = box.journal()
        assert (refused["what"], refused["denial"]) == ("refused", "host")
        assert box.spent() == {}
        with pytest.raises(InvalidInput, match="modells"):
            client.sandbox(policy="modells: []")
