"""Where an API's description is read from: files of the suite, and hosts that may be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.operations.document import MOST_BYTES, read_api_document
from actors.specs.operations.references import Bundle
from actors.specs.steps.api import whole_url


@dataclass(frozen=True, slots=True)
class DescriptionSource:
    """Reads for one spec."""

    context: StepContext
    headers: Mapping[str, str]
    """Sent to the host of base_url alone."""

    def whole(self, named: str) -> dict[str, object]:
        """The description that a spec names, with all that it refers to.

        Raises:
            StepFailed: it cannot be read, or refers to what must not be read.
        """
        return Bundle(self._read).whole(self.address(named))

    def text(self, named: str) -> str:
        """A file beside the spec.

        Raises:
            StepFailed: it cannot be read.
        """
        return self._file(self.context.path(named)).decode(errors="replace")

    def address(self, named: str) -> str:
        """What the spec names, as an address; a name without a leading slash is a file."""
        if named.startswith("/") or "://" in named:
            return whole_url(self.context.test.base_url, named)
        return self.context.path(named).as_uri()

    def _read(self, address: str) -> dict[str, object]:
        parts = urlsplit(address)
        if parts.scheme in {"http", "https"}:
            return read_api_document(address, self._asked(address))
        if parts.scheme != "file" or parts.netloc:
            raise StepFailed(f"{address[:200]} is no file of the suite and no http address")
        path = self.context.path(unquote(parts.path))
        return read_api_document(path.name, self._file(path))

    def _asked(self, address: str) -> bytes:
        test = self.context.test
        is_own = urlsplit(address).netloc == urlsplit(test.base_url).netloc
        answer = test.http.send(
            self.context, "GET", address, follow=True, headers=self.headers if is_own else {}
        )
        if answer.status != 200:
            raise StepFailed(f"GET {address} gave {answer.status}, no description of an API")
        return answer.body

    @staticmethod
    def _file(path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except OSError as failed:
            raise StepFailed(f"{path.name} cannot be read: {failed.strerror}") from None
