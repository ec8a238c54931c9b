"""JUnit XML as other tools write it: pytest, Surefire, Gradle, Playwright, jest, Go and more."""

from typing import BinaryIO

from harness.domain.foreign import DEFAULT_LIMITS, ForeignResults, ReadLimits


def read_junit(
    content: BinaryIO, name: str = "the report", limits: ReadLimits = DEFAULT_LIMITS
) -> ForeignResults:
    """What the document says; reads it once, from its start, in bounded memory and time.

    Args:
        content: the document.
        name: what errors call it, such as its path.
        limits: how much to read.

    Raises:
        InvalidInput: it is no JUnit XML, is damaged (says where, and how many tests stand before
            that place), or declares a document type or entities.
        TooLarge: it exceeds a limit, which the message names.
    """
    raise NotImplementedError
