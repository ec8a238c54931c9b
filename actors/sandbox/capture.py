"""Bounded memory of an unbounded output: its head and its tail."""


class Capture:
    """What a stream said, as far as it is kept."""

    def __init__(self, limit: int) -> None:
        """Keep this many bytes, half of them from the beginning."""
        self._head = bytearray()
        self._tail = bytearray()
        self._head_room = limit - limit // 2
        self._tail_room = limit // 2
        self.total = 0
        """Bytes that were said."""

    def add(self, data: bytes) -> None:
        """Hear more."""
        self.total += len(data)
        room = self._head_room - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room > 0 else data
        if len(self._tail) > 2 * self._tail_room:
            self._shorten()

    @property
    def dropped(self) -> int:
        """Bytes that are not kept."""
        self._shorten()
        return self.total - len(self._head) - len(self._tail)

    @property
    def kept(self) -> bytes:
        """Head and tail, one after the other."""
        self._shorten()
        return bytes(self._head + self._tail)

    def _shorten(self) -> None:
        excess = len(self._tail) - self._tail_room
        if excess > 0:
            del self._tail[:excess]
