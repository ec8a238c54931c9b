"""A suite of one test, which lets one program run as an agent."""

import io
import json
import shlex
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.client import Client
from harness.domain.run import Run, RunRequest
from harness.errors import InvalidInput

SPEC = "ath_agent_run.ath.yaml"
SPARE_SECONDS = 120.0
"""Of its run, beside the program's own time."""


@dataclass(frozen=True, slots=True)
class AgentSuite:
    """A step `agent` with the files that it needs."""

    folder: Path
    files: Sequence[str]
    """Names and globs in the folder."""
    step: Mapping[str, Any]  # Any: as YAML has it
    seconds: float

    @contextmanager
    def written(self) -> Iterator[Path]:
        """The suite on disk, beside nothing else.

        Raises:
            InvalidInput: a file is not there, or all of them are too large.
        """
        from actors.specs.agent_desk import packed
        from actors.specs.failure import StepFailed

        try:
            archive = packed(self.folder, self.files)
        except StepFailed as failed:
            raise InvalidInput(f"{str(failed).capitalize()}.") from None
        with tempfile.TemporaryDirectory(prefix="ath-agent-") as place:
            root = Path(place) / self.folder.name
            root.mkdir()
            with tarfile.open(fileobj=io.BytesIO(archive)) as packed_files:
                packed_files.extractall(root, filter="tar")
            names = sorted(path.name for path in root.iterdir())
            (root / SPEC).write_text(json.dumps(self._spec(names)))
            yield root

    def submit(self, client: Client, root: Path, most_bytes: int) -> Run:
        """Bring it to the platform and submit a run of it."""
        uploaded = client.suites.upload(root, cwd=".", max_bytes=most_bytes)
        return client.runs.submit(
            RunRequest(
                suite=uploaded.suite,
                argv=("pytest", SPEC),
                interpreter=sys.executable,
                workers=1,
                test_seconds=self.seconds + SPARE_SECONDS,
                run_seconds=self.seconds + 2 * SPARE_SECONDS,
                labels={"agent": str(self.step.get("name", ""))},
            )
        )

    def _spec(self, names: Sequence[str]) -> dict[str, Any]:
        title = shlex.join(self.step["program"])
        step = {"agent": {**self.step, "files": names}, "seconds": self.seconds}
        name = str(self.step.get("name", "agent"))
        test = {"id": name, "title": title, "budget": {"seconds": self.seconds}, "steps": [step]}
        return {"suite": title, "tests": [test]}


def read_yaml(file: Path) -> Any:  # Any: what YAML holds
    """What a file says.

    Raises:
        InvalidInput: it cannot be read.
    """
    from actors.specs.document import MOST_BYTES, read_document
    from actors.specs.problem import InvalidSpec

    try:
        with file.open("rb") as opened:
            return read_document(str(file), opened.read(MOST_BYTES + 1)).value
    except (OSError, InvalidSpec) as failed:
        raise InvalidInput(f"{file} cannot be read: {failed}") from None
