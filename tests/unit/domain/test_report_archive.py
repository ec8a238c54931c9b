"""Tar files from anybody."""

import io
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.report_archive import ReportArchive
from harness.errors import HarnessError, InvalidInput, TooLarge

LONG = "deep/" * 60 + "é.xml"


def a_tar(add: Callable[[tarfile.TarFile], None], format_: int = tarfile.GNU_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(mode="w", fileobj=file, format=format_, encoding="utf-8") as tar:
        add(tar)
    return file.getvalue()


def member(tar: tarfile.TarFile, name: str, content: bytes = b"x", kind: bytes = b"0") -> None:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(content), "/etc/passwd"
    tar.addfile(info, io.BytesIO(content))


def three(tar: tarfile.TarFile) -> None:
    member(tar, "a.xml", b"<a/>" * 500)
    member(tar, LONG, b"long")
    member(tar, "b.json", b"")


def archive(content: bytes) -> ReportArchive:
    return ReportArchive(io.BytesIO(content), "alone")


@pytest.mark.parametrize("format_", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_files_are_read_where_they_lie(format_: int) -> None:
    found = archive(a_tar(three, format_))
    assert found.names() == ["a.xml", "b.json", LONG]
    assert found.open("a.xml").read() == b"<a/>" * 500
    assert found.open(LONG).read() == b"long"
    assert (found.open("b.json").read(), found.size("a.xml")) == (b"", 2000)


def test_anything_else_is_one_report() -> None:
    assert archive(b"<testsuite/>").open("alone").read() == b"<testsuite/>"
    assert archive(b"").names() == ["alone"]


def test_links_devices_and_folders_are_no_files() -> None:
    def add(tar: tarfile.TarFile) -> None:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE):
            member(tar, f"kind-{kind.decode()}", b"", kind)
        member(tar, "../../up.xml")
        member(tar, "/etc/absolute.xml")

    found = archive(a_tar(add))
    assert found.names() == ["../../up.xml", "/etc/absolute.xml"]
    assert found.find("a/r.xml", "kind-2") is None
    assert found.find("a/r.xml", "/etc/passwd") is None


def test_damaged_and_endless_files_are_refused() -> None:
    whole = a_tar(three)
    with pytest.raises(InvalidInput, match="ends in the middle"):
        archive(whole[:1500])
    with pytest.raises(InvalidInput, match="damaged tar"):
        archive(b"y" + whole[1:])
    with pytest.raises(TooLarge, match="a file name of more than 65536 bytes"):
        archive(a_tar(lambda tar: member(tar, "n" * 100_000)))


@given(st.integers(0, 3000), st.binary(max_size=6), st.integers(0, 600))
def test_any_damage_gives_files_or_our_error(place: int, patch: bytes, lost: int) -> None:
    whole = a_tar(three)
    try:
        found = archive(whole[:place] + patch + whole[place + lost :])
    except HarnessError:
        return
    assert not any("\0" in name for name in found.names())
    assert all(len(found.open(name).read()) == found.size(name) for name in found.names())
