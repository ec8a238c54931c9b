"""What pytest-cov measured, brought to where pytest-cov would have left it."""

import tempfile
from pathlib import Path

from cluster.cli.console import err, out
from harness.client import Client
from harness.domain.run import Run
from harness.errors import HarnessError

REPORT = "coverage.txt"
FOLDER = "coverage/"


def bring_home(client: Client, run: Run, folder: Path) -> None:
    """Print the report and write the files that the command's `--cov` options name.

    What cannot be written, or points elsewhere, is named and left out: the run itself is over.
    """
    if not any(word.startswith("--cov") for word in run.request.argv):
        return
    for ref in client.runs.artifacts(run.id):
        if ref.name == REPORT:
            with tempfile.TemporaryDirectory() as name:
                client.artifacts.save(ref, Path(name) / REPORT)
                text = (Path(name) / REPORT).read_text(errors="replace")
            out.print(text, markup=False, highlight=False, soft_wrap=True)
        elif ref.name.startswith(FOLDER):
            path = (folder / ref.name.removeprefix(FOLDER)).resolve()
            if not path.is_relative_to(folder.resolve()):
                err.print(f"note: {ref.name} points outside of this folder", markup=False)
                continue
            try:
                client.artifacts.save(ref, path)
            except (OSError, HarnessError) as failed:
                err.print(f"note: {path} was not written: {failed}", markup=False)
