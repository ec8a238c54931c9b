"""Which host a client's TLS asks for, read from its first message; nothing is decrypted."""

from dataclasses import dataclass

from harness.errors import InvalidInput

MOST_BYTES = 32 << 10
"""Of a first message with its records' heads."""
_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST_NAME = 22, 1, 0, 0
_RECORD_HEAD, _MESSAGE_HEAD = 5, 4


@dataclass(frozen=True, slots=True)
class ServerName:
    """What the first bytes of a connection say."""

    is_known: bool = True
    """False as long as more bytes are needed."""
    name: str | None = None
    """None where it is no TLS, or TLS without a name."""


def server_name(data: bytes) -> ServerName:
    """What these bytes from the beginning of a connection ask for.

    Raises:
        InvalidInput: they begin as TLS, and are none.
    """
    if data and data[0] != _HANDSHAKE:
        return ServerName()
    if len(data) > MOST_BYTES:
        data = data[:MOST_BYTES]
    message, is_cut = _message(data)
    if is_cut and len(data) == MOST_BYTES:
        is_cut = False  # whatever is missing may not come any more
    if not message and is_cut:
        return ServerName(is_known=False)
    if message[:1] != bytes([_CLIENT_HELLO]):
        raise InvalidInput("the connection does not begin with a ClientHello")
    size = _MESSAGE_HEAD + int.from_bytes(message[1:4])
    if len(message) < max(size, _MESSAGE_HEAD):
        if not is_cut:
            raise InvalidInput("the ClientHello is too long, or something else comes within it")
        return ServerName(is_known=False)
    return ServerName(name=_name(_Reader(message[_MESSAGE_HEAD:size])))


def _message(data: bytes) -> tuple[bytes, bool]:
    """What is in the handshake records, and whether they end where the data does."""
    found, at = b"", 0
    while len(data) - at >= _RECORD_HEAD:
        if data[at] != _HANDSHAKE:
            return found, False
        if data[at + 1] != 3:
            raise InvalidInput("a record of no known version of TLS")
        size = int.from_bytes(data[at + 3 : at + 5])
        found += data[at + _RECORD_HEAD : at + _RECORD_HEAD + size]
        at += _RECORD_HEAD + size
    return found, True


@dataclass(slots=True)
class _Reader:
    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        self.at += count
        if self.at > len(self.data):
            raise InvalidInput("a ClientHello that ends too early")
        return self.data[self.at - count : self.at]

    def block(self, head: int) -> bytes:
        return self.take(int.from_bytes(self.take(head)))


def _name(hello: _Reader) -> str | None:
    hello.take(2 + 32)  # version and chance
    for head in (1, 2, 1):  # session, ciphers, compressions
        hello.block(head)
    if hello.at == len(hello.data):
        return None
    extensions = _Reader(hello.block(2))
    found: list[str] = []
    while extensions.at < len(extensions.data):
        kind = int.from_bytes(extensions.take(2))
        body = extensions.block(2)
        if kind == _SERVER_NAME:
            found.append(_host(_Reader(body)))
    if len(found) > 1:
        raise InvalidInput("a ClientHello with two server names")
    return found[0] if found else None


def _host(body: _Reader) -> str:
    names = _Reader(body.block(2))
    if names.take(1) != bytes([_HOST_NAME]):
        raise InvalidInput("a server name of an unknown kind")
    name = names.block(2)
    if names.at != len(names.data) or body.at != len(body.data):
        raise InvalidInput("a ClientHello with two server names")
    try:
        return name.decode("ascii")
    except UnicodeError:
        raise InvalidInput("a server name that is no ASCII") from None
