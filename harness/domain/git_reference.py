"""A suite's source in a git repository: as it is asked for, and as it was found."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from harness.errors import InvalidInput

_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,254}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
PROTOCOLS = ("https", "http", "file")
"""What git may be asked for; http only on this machine, because anybody between could change it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a suite's source came from."""

    url: str
    commit: str
    """Whole: what the reference was when it was resolved, once."""
    ref: str
    """As it was asked for."""


@dataclass(frozen=True, slots=True)
class GitReference:
    """A repository, what to take of it, and where in it the tests are.

    Raises:
        InvalidInput: it could mean something else than a plain repository, or holds a credential.
    """

    url: str
    ref: str = "HEAD"
    folder: str = "."
    """Where the command runs, relative to the repository's root."""

    def __post_init__(self) -> None:
        """Refuse what git could take for an option, a helper or a file of the platform."""
        _check_url(self.url)
        wrong = ".." in self.ref or "//" in self.ref or self.ref.endswith((".lock", "/", "."))
        if wrong or not _REF.fullmatch(self.ref):
            raise InvalidInput(f"{self.ref!r} is no branch, tag or commit. Name one of them.")
        path = PurePosixPath(self.folder)
        if path.is_absolute() or ".." in path.parts or {"\\", "\0"} & set(self.folder):
            raise InvalidInput(f"The folder {self.folder!r} is not within the repository.")

    @property
    def protocol(self) -> str:
        """One of PROTOCOLS."""
        return urlsplit(self.url).scheme

    @property
    def name(self) -> str:
        """Of the repository, as a folder's name."""
        name = PurePosixPath(urlsplit(self.url).path).name.removesuffix(".git")
        return name if name not in {"", ".", ".."} else "suite"

    @property
    def is_commit(self) -> bool:
        """Whether the ref is a whole commit id."""
        return bool(_COMMIT.fullmatch(self.ref))


def parse_git(text: str, folder: str = ".") -> GitReference:
    """What `URL[@REF]` means.

    Raises:
        InvalidInput: it is no such thing.
    """
    scheme, colons, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    path, _, ref = path.partition("@")
    return GitReference(f"{scheme}{colons}{host}{slash}{path}", ref or "HEAD", folder)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as wrong:
        raise InvalidInput(f"The address of the repository is none: {wrong}.") from wrong
    if "@" in parts.netloc:
        raise InvalidInput(
            "The address of the repository holds a credential, which would be recorded. Keep it "
            "as a secret (`ath secrets set NAME`) and name it: --git-secret NAME."
        )
    if parts.scheme not in PROTOCOLS or not parts.path.strip("/") or not url.isprintable():
        raise InvalidInput(
            f"{url!r} is no address of a repository. Use https://HOST/PATH, or file:///PATH."
        )
    if parts.query or parts.fragment or " " in url or len(url) > 2048:
        raise InvalidInput(f"{url!r} has more than a host and a path. Leave the rest out.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise InvalidInput(f"{url} is not encrypted, so anybody could change it. Use https://.")
    if (parts.scheme == "file") is bool(host):
        raise InvalidInput(
            f"{url} names {'no' if not host else 'a'} host. Use https:// or file:///."
        )
