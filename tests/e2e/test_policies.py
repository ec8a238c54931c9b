"""An agent on the platform is bounded by stored policies and asks the tenant's own models."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from harness.domain.exit_code import ExitCode
from tests.support.live_platform import LivePlatform

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

KEY = "sk-canary-0123456789"
AGENT = """\
import openai
for model in ("local/small", "local/large"):
    try:
        said = openai.OpenAI(max_retries=0).chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello"}])
        print(said.choices[0].message.content)
    except openai.PermissionDeniedError as refused:
        print("refused:", refused.body["message"])
"""
ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "small",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Good day."},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


@dataclass(slots=True)
class Models:
    """A server of models, and the keys that it saw."""

    url: str = ""
    keys: list[str | None] = field(default_factory=list)


@pytest.fixture
def models() -> Iterator[Models]:
    seen = Models()

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.keys.append(self.headers["Authorization"])
            body = json.dumps(ANSWER).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *said: object) -> None:
            """Nobody asks."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        seen.url = f"http://127.0.0.1:{server.server_port}/v1"
        yield seen
        server.shutdown()


def done(platform: LivePlatform, *words: str, cwd: Path, told: str | None = None) -> str:
    """What a command that must succeed says."""
    ran = platform.ath(*words, cwd=cwd, told=told)
    assert ran.returncode == ExitCode.PASSED, ran.stdout + ran.stderr
    return ran.stdout


def test_a_named_agent_asks_what_its_policy_names(
    platform: LivePlatform, models: Models, tmp_path: Path
) -> None:
    suite = tmp_path / "agent"
    suite.mkdir()
    (suite / "agent.py").write_text(AGENT)
    (tmp_path / "cook.yaml").write_text("models: [local/small]\n")
    assert "ath policy set --tenant FILE" in done(platform, "policy", "show", cwd=tmp_path)
    done(platform, "secrets", "set", "LOCAL_KEY", cwd=tmp_path, told=KEY)
    source = ["models", "set", "local", "--base-url", models.url, "--key-secret", "LOCAL_KEY"]
    done(platform, *source, "--price", "small=1000,2000", cwd=tmp_path)
    done(platform, "policy", "set", "--agent", "cook", "cook.yaml", cwd=tmp_path)
    assert done(platform, "policy", "explain", "cook", "--model", "local/small", cwd=tmp_path)

    run = ["agent", "run", "--json", "--python", sys.executable, "--name"]
    told = json.loads(done(platform, *run, "cook", "--", "python", "agent.py", cwd=suite))
    assert told["stdout"].startswith("Good day.\nrefused: The model 'local/large' is refused")
    assert told["transcript"]["spent"]["cost_millionths"] == 3 * 1000 + 2 * 2000
    assert models.keys == [f"Bearer {KEY}"]
    assert KEY not in json.dumps(told)

    done(platform, "policy", "remove", "cook", cwd=tmp_path)
    told = json.loads(done(platform, *run, "cook", "--", "python", "agent.py", cwd=suite))
    assert told["stdout"].count("no policy names it") == 2
    done(platform, "models", "remove", "local", cwd=tmp_path)
    done(platform, "secrets", "delete", "LOCAL_KEY", cwd=tmp_path)
