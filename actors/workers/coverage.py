"""What a suite's coverage came to, as its collecting process wrote it down."""

import contextlib
import json
import mimetypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from harness.domain.attempt import ArtifactRef
from harness.domain.scope import Scope
from harness.errors import HarnessError, TooLarge
from harness.ports.artifacts import ArtifactStore

MAX_BYTES = 1 << 20
MAX_FILES = 2000
REPORT = "coverage.txt"
FOLDER = "coverage"
"""Artifacts are below it, named as pytest-cov named the files relative to the command's folder."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The end of a measured run."""

    total: float
    """In percent."""
    fail_under: float | None
    text: str
    """The report for terminals."""
    files: Sequence[Path]
    """Reports, or folders of them."""

    @classmethod
    def read(cls, path: Path) -> "Coverage | None":
        """None where nothing was measured, or nothing sensible was written down."""
        try:
            with path.open("rb") as file:
                found = json.loads(file.read(MAX_BYTES))
            under = found["fail_under"]
            return cls(
                total=float(found["total"]),
                fail_under=None if under is None else float(under),
                text=str(found["text"]),
                files=[Path(str(name)) for name in found["files"]],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def complaint(self) -> str:
        """Why the run fails although its tests may have passed; empty if it does not."""
        if self.fail_under is None or self.total >= self.fail_under:
            return ""
        return f"Coverage is {self.total:.2f} %, below the {self.fail_under:g} % that are required."

    def stored(
        self, scope: Scope, artifacts: ArtifactStore, cwd: Path, max_bytes: int
    ) -> Sequence[ArtifactRef]:
        """Keep the reports that are below the command's folder; others are not the suite's own."""
        root = cwd.resolve()
        text = self.text.encode(errors="replace")
        refs = []
        with contextlib.suppress(TooLarge):
            digest, size = artifacts.put(scope, BytesIO(text), max_bytes=max_bytes)
            refs.append(ArtifactRef(REPORT, digest, size, "text/plain; charset=utf-8"))
        for path in self._reports(root):
            try:
                with path.open("rb") as content:
                    digest, size = artifacts.put(scope, content, max_bytes=max_bytes)
            except (OSError, HarnessError):
                continue
            media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            name = f"{FOLDER}/{path.relative_to(root).as_posix()}"
            refs.append(ArtifactRef(name, digest, size, media))
        return refs

    def _reports(self, root: Path) -> Iterator[Path]:
        left = MAX_FILES
        for named in self.files:
            for path in sorted(named.rglob("*")) if named.is_dir() else [named]:
                real = path.resolve()
                if left and real.is_relative_to(root) and real.is_file():
                    left -= 1
                    yield real
