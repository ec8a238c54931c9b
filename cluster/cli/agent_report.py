"""What an agent did and how it ended, for people and for machines."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.cli.console import err, out, say_json
from harness.client import Client
from harness.domain.attempt import ArtifactRef
from harness.domain.exit_code import exit_code
from harness.domain.ids import RunId
from harness.domain.results import TestOutcome
from harness.domain.run import Run
from harness.domain.visible_text import one_line

LINE_CHARACTERS = 300
_TEXTS = ("transcript.json", "stdout.txt", "stderr.txt")


@dataclass(frozen=True, slots=True)
class AgentReport:
    """The one test of an agent's run."""

    run: Run
    outcome: TestOutcome | None
    texts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def fetch(cls, client: Client, run_id: RunId) -> "AgentReport":
        """Of a run that has ended."""
        run = client.runs.get(run_id)
        tests = client.runs.results(run_id).tests
        outcome = tests[0] if tests else None
        result = outcome.attempts[-1].result if outcome and outcome.attempts else None
        texts: dict[str, str] = {}
        for ref in result.artifacts if result else ():
            name = ref.name.rpartition("/")[2]
            if name in _TEXTS and "/files/" not in ref.name:
                texts[name] = _text(client, ref)
        return cls(run, outcome, texts)

    @property
    def transcript(self) -> Mapping[str, Any] | None:  # Any: JSON
        """What it did; None when it did not begin."""
        text = self.texts.get("transcript.json")
        return json.loads(text) if text else None

    @property
    def code(self) -> int:
        """The command's."""
        return int(exit_code(self.run.state, self.run.reason))

    def tell(self, client: Client, *, as_json: bool) -> int:
        """Show it; gives the command's exit code."""
        if as_json:
            say_json(self._plain(client))
            return self.code
        if self.transcript is not None:
            _tell_turns(self.transcript)
        for name, console in (("stderr.txt", err), ("stdout.txt", out)):
            if text := self.texts.get(name, ""):
                console.print(text.rstrip("\n"), markup=False)
        for line in self._summary():
            err.print(line, markup=False)
        err.print(f"Page   {client.sign_in(self.run.id)}", markup=False)
        return self.code

    def _summary(self) -> list[str]:
        from actors.agents.transcript import spent_of

        failure = self.outcome.failure if self.outcome else None
        why = failure.message if failure else self.run.message
        found = self.transcript
        ended = f"Stopped: {found['stopped']}, exit code {found['exit_code']}, " if found else ""
        spent = spent_of(found["spent"]) if found else ""
        refused = sum(found["refused"].values()) if found else 0
        told = f"{ended}{spent}" + (f", {refused} refused" if refused else "")
        return [line for line in (why and f"Failed: {why}", told) if line]

    def _plain(self, client: Client) -> dict[str, Any]:
        failure = self.outcome.failure if self.outcome else None
        return {
            "run": self.run.id,
            "state": self.run.state,
            "page": client.page(self.run.id),
            "exit_code": self.code,
            "failure": failure.message if failure else self.run.message or None,
            "transcript": self.transcript,
            "stdout": self.texts.get("stdout.txt", ""),
            "stderr": self.texts.get("stderr.txt", ""),
        }


def _tell_turns(transcript: Mapping[str, Any]) -> None:
    from actors.agents.transcript import line_of

    for turn in transcript["turns"]:
        seconds = f"{turn['seconds']:6.2f} s" if "seconds" in turn else " " * 8
        line = f"{turn['n']:>4} {seconds}  {turn['kind']:<6} {one_line(line_of(turn))}"
        err.print(line[:LINE_CHARACTERS], markup=False, style="dim")


def _text(client: Client, ref: ArtifactRef) -> str:
    with tempfile.TemporaryDirectory(prefix="ath-agent-") as folder:
        file = Path(folder) / "text"
        client.artifacts.save(ref, file)
        return file.read_text(errors="replace")
