"""A request body as the blocking file that an artifact store reads, checked on the way."""

import hashlib
import io
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, BinaryIO

import anyio.from_thread
from fastapi import Request

from harness.errors import InvalidInput, TooLarge

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def upload_of(request: Request, digest: str | None, max_bytes: int, what: str) -> BinaryIO:
    """The request's body as a file; read it in a worker thread of the request's event loop.

    Raises:
        TooLarge: the request says that it is larger than allowed. A body whose length is not
            said is counted while it comes.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise TooLarge(f"The {what} has {length} bytes, {max_bytes} are allowed. Leave files out.")
    return io.BufferedReader(Upload(request.stream(), digest, max_bytes, what), 256 * 1024)


class Upload(io.RawIOBase):
    """Read it in a worker thread of the event loop that receives the body.

    At the end of the body it raises InvalidInput unless the bytes have the digest promised, if
    one was, so that a store keeps nothing of an upload that went wrong.
    """

    def __init__(
        self, body: AsyncIterator[bytes], digest: str | None, max_bytes: int, what: str
    ) -> None:
        self._body = body
        self._digest = digest
        self._what = what
        self._room = max_bytes
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer with what comes next; 0 at the verified end.

        Raises:
            InvalidInput: the body does not have the digest promised.
            TooLarge: the body is larger than allowed.
        """
        target = memoryview(buffer).cast("B")
        if not self._rest:
            self._rest = memoryview(anyio.from_thread.run(self._next))
        count = min(len(self._rest), len(target))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    async def _next(self) -> bytes:
        chunk = b""
        async for chunk in self._body:
            if chunk:
                break
        if not chunk:
            self._verify()
        self._room -= len(chunk)
        if self._room < 0:
            raise TooLarge(
                f"The {self._what} is larger than {self._max_bytes} bytes. Leave files out."
            )
        self._hash.update(chunk)
        return chunk

    def _verify(self) -> None:
        found = self._hash.hexdigest()
        if self._digest is not None and found != self._digest:
            raise InvalidInput(
                f"The bytes sent have the digest {found}, not {self._digest}. Send them again."
            )
