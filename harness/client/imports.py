"""Results from elsewhere on their way to the platform."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.client.connection import Connection
from harness.client.decode import decode_run
from harness.domain.report_format import ReportFormat
from harness.domain.run import Run
from harness.ports.entropy import Entropy, SystemEntropy

DEFAULT_MAX_BYTES = 256 << 20
_CHUNK = 256 * 1024
_IN_MEMORY = 8 << 20


@dataclass(frozen=True, slots=True)
class Imported:
    """The run that was made."""

    run: Run
    notes: tuple[str, ...]
    """What was left out although somebody may miss it, as sentences."""


@dataclass(frozen=True, slots=True)
class Imports:
    """Runs of a project made of reports."""

    connection: Connection
    path: str
    entropy: Entropy = field(default_factory=SystemEntropy)

    def send(
        self,
        paths: Sequence[Path],
        *,
        format: ReportFormat | None = None,
        suite: str = "imported",
        environment: str | None = None,
        release: str | None = None,
        idempotency_key: str | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> Imported:
        """Make a run out of reports (JUnit XML, CTRF) and folders of them (Allure's too).

        Raises:
            InvalidInput: a report cannot be read or is damaged, or there is none.
            TooLarge: there is too much of it.
            Conflict: the key was used for another import.
        """
        # Every command makes a client, and only this call needs the readers of all formats.
        from harness.client.report_pack import pack

        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            packed = pack(paths, file, max_bytes)

            def body() -> Iterator[bytes]:
                file.seek(0)
                while chunk := file.read(_CHUNK):
                    yield chunk

            told = {"environment": environment, "release": release, "format": format}
            response = self.connection.call(
                "POST",
                self.path,
                params={
                    "name": packed.name,
                    "suite": suite,
                    **{name: value for name, value in told.items() if value},
                },
                body=body,
                headers={
                    "Content-Length": str(packed.size),
                    "Content-Type": "application/x-tar",
                    "Idempotency-Key": idempotency_key or self.entropy.new_id(),
                },
                seconds=self.connection.patience.transfer_seconds,
            )
        return Imported(decode_run(response.json()), packed.notes)
