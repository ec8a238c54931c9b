import io
import tarfile
from pathlib import Path

import pytest

from actors.sandbox.archive import pack, unpack
from actors.sandbox.namespace import NamespaceSandbox
from harness.domain.sandbox import Command
from harness.errors import Forbidden, HarnessError, InvalidInput, NotFound, QuotaExceeded, TooLarge

pytestmark = pytest.mark.process


async def run(sandbox: NamespaceSandbox, text: str) -> str:
    result = await sandbox.exec(Command(argv=["sh", "-c", text]))
    assert result.exit_code == 0, result.stderr
    return result.stdout.decode()


async def test_files_are_the_sandboxes_own(sandbox: NamespaceSandbox) -> None:
    sandbox.files.make_folder("a/b")
    sandbox.files.write("/workspace/a/b/file", b"one", 0o755)
    assert await run(sandbox, "stat -c '%U %a' a/b/file; cat a/b/file; echo two > a/b/file") == (
        "agent 755\none"
    )
    assert sandbox.files.read("a/b/file") == b"two\n"
    assert [one.name for one in sandbox.files.entries("a")] == ["b"]
    sandbox.files.remove("a/b/file")
    sandbox.files.remove("a/b")
    with pytest.raises(NotFound):
        sandbox.files.read("a/b/file")


@pytest.mark.parametrize(
    ("made", "path"),
    [
        ("ln -s /etc/passwd out", "out"),
        ("ln -s / out", "out/etc/passwd"),
        ("ln -s ../../../../etc/passwd out", "out"),
        ("ln -s /proc/self/root out", "out/etc/passwd"),
        ("ln -s .. out", "out/tmp"),
        ("ln -s loop loop", "loop"),
        ("true", "../etc/passwd"),
        ("true", "a/../../etc/passwd"),
        ("mkfifo pipe", "pipe"),
        ("mkdir folder", "folder"),
    ],
)
async def test_no_path_leads_out(sandbox: NamespaceSandbox, made: str, path: str) -> None:
    await run(sandbox, made)
    for operation in (
        lambda: sandbox.files.read(path),
        lambda: sandbox.files.write(path, b"evil"),
        lambda: sandbox.files.write(path + "/../../new", b"evil"),
    ):
        with pytest.raises((Forbidden, InvalidInput, NotFound)):
            operation()


async def test_a_link_within_the_workspace_is_followed(sandbox: NamespaceSandbox) -> None:
    await run(sandbox, "mkdir real; echo x > real/file; ln -s real/file here")
    assert sandbox.files.read("here") == b"x\n"


async def test_a_path_that_changes_meanwhile_never_leads_out(
    sandbox: NamespaceSandbox, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    swap = (
        "import os\nos.mkdir('d'); open('d/secret', 'w').write('mine')\n"
        f"os.symlink({str(tmp_path)!r}, 'l')\n"
        "while True:\n"
        "  os.rename('d', 'x'); os.rename('l', 'd'); os.rename('d', 'l'); os.rename('x', 'd')\n"
    )
    running = sandbox.start(Command(code=swap))
    for _ in range(3000):
        try:
            assert sandbox.files.read("d/secret") in {b"mine", b""}
        except HarnessError:
            continue
    running.end()
    await running.wait()


async def test_sizes_are_bounded(sandbox: NamespaceSandbox) -> None:
    await run(sandbox, "truncate -s 10000000 sparse")
    with pytest.raises(TooLarge):
        sandbox.files.read("sparse", 1000)
    with pytest.raises((QuotaExceeded, InvalidInput)):
        sandbox.files.write("large", bytes(40 << 20))


async def test_a_workspace_is_forked(
    sandbox: NamespaceSandbox, neighbour: NamespaceSandbox
) -> None:
    await run(
        sandbox,
        "mkdir -p a/b; echo one > a/b/file; chmod 700 a/b/file; ln -s b/file a/link;"
        "ln -s /etc/passwd out; mkfifo pipe; echo two > 'näme with space'",
    )
    archive = io.BytesIO()
    packed = pack(sandbox.files, archive)
    assert (packed.entries, packed.skipped) == (6, 1)
    archive.seek(0)
    assert unpack(neighbour.files, archive) == 6
    look = "stat -c %a a/b/file; cat a/link 'näme with space'; readlink out; whoami"
    assert await run(neighbour, look) == "700\none\ntwo\n/etc/passwd\nagent\n"


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "", "a//b"])
async def test_an_archive_that_leads_out_is_refused(sandbox: NamespaceSandbox, name: str) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    archive.seek(0)
    with pytest.raises(InvalidInput):
        unpack(sandbox.files, archive)


async def test_an_archive_cannot_write_through_its_own_link(sandbox: NamespaceSandbox) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        link = tarfile.TarInfo("out")
        link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
        tar.addfile(link)
        member = tarfile.TarInfo("out/evil")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    archive.seek(0)
    with pytest.raises(Forbidden):
        unpack(sandbox.files, archive)
    assert await run(sandbox, "ls /tmp") == ""


async def test_an_archive_is_bounded(sandbox: NamespaceSandbox) -> None:
    await run(sandbox, "truncate -s 10000000 sparse")
    with pytest.raises(TooLarge):
        pack(sandbox.files, io.BytesIO(), most_bytes=1 << 20)
    with pytest.raises(InvalidInput):
        unpack(sandbox.files, io.BytesIO(b"no archive" * 100))
