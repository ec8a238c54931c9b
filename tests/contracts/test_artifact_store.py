"""What every ArtifactStore promises."""

import hashlib
from io import BytesIO
from pathlib import Path

import pytest

from harness.domain.ids import Digest
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import InvalidInput, NotFound, TooLarge
from harness.ports.artifacts import ArtifactStore
from harness.stores.file_artifacts import FileArtifacts
from tests.support.samples import OTHER_PROJECT, OTHER_TENANT

LARGE = bytes(range(256)) * 4096 * 3 + b"rest"


@pytest.fixture(params=[FileArtifacts])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    """An empty store."""
    store: ArtifactStore = request.param(tmp_path)
    return store


@pytest.mark.parametrize("content", [b"", b"one", LARGE])
def test_what_was_put_is_read_back(artifacts: ArtifactStore, content: bytes) -> None:
    digest, size = artifacts.put(DEFAULT_SCOPE, BytesIO(content), max_bytes=len(content))
    assert (digest, size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert b"".join(artifacts.read(DEFAULT_SCOPE, digest)) == content
    assert artifacts.path(DEFAULT_SCOPE, digest).read_bytes() == content


def test_same_bytes_are_kept_once(artifacts: ArtifactStore) -> None:
    first = artifacts.put(DEFAULT_SCOPE, BytesIO(b"x"), max_bytes=9)
    assert artifacts.put(OTHER_PROJECT, BytesIO(b"x"), max_bytes=9) == first
    paths = {artifacts.path(scope, first[0]) for scope in (DEFAULT_SCOPE, OTHER_PROJECT)}
    assert len(paths) == 1


def test_another_tenant_has_nothing(artifacts: ArtifactStore) -> None:
    digest, _ = artifacts.put(DEFAULT_SCOPE, BytesIO(b"x"), max_bytes=9)
    assert artifacts.has(DEFAULT_SCOPE, digest)
    assert not artifacts.has(OTHER_TENANT, digest)
    with pytest.raises(NotFound, match="other"):
        artifacts.read(OTHER_TENANT, digest)


def test_too_much_is_refused_and_not_kept(artifacts: ArtifactStore) -> None:
    with pytest.raises(TooLarge, match="3 bytes"):
        artifacts.put(DEFAULT_SCOPE, BytesIO(b"four"), max_bytes=3)
    assert not artifacts.has(DEFAULT_SCOPE, Digest(hashlib.sha256(b"four").hexdigest()))


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_what_is_no_digest_is_refused(artifacts: ArtifactStore, digest: str) -> None:
    with pytest.raises(InvalidInput):
        artifacts.path(DEFAULT_SCOPE, Digest(digest))
