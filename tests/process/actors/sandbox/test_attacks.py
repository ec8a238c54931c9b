"""Attacks on the host and on neighbours: each is really tried, and each ends blocked."""

import os
import pwd
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from actors.sandbox.namespace import NamespaceSandbox
from actors.sandbox.template import Template
from harness.domain.sandbox import Command, Limits, Reason, SandboxSpec
from tests.process.actors.sandbox.escapes import PRELUDE

pytestmark = pytest.mark.process

ATTACKS = {
    # the file system
    "mount a file system": "must(libc.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, 0))",
    "make the root writable": "must(libc.mount(0, b'/', 0, 4096 | 32, 0))",
    "make /proc writable": "must(libc.mount(0, b'/proc', 0, 4096 | 32, 0))",
    "take /proc away": "must(libc.umount2(b'/proc', 2))",
    "open the mount tree": "call(428, 428, -100, b'/', 1)",
    "configure a file system": "call(430, 430, b'proc', 0)",
    "change a mount": "call(442, 442, -100, b'/', 0, ctypes.create_string_buffer(32), 32)",
    "list mounts": "call(458, 458, ctypes.create_string_buffer(24), 0, 0, 0)",
    "change the root": "os.chroot('/tmp')",
    "pivot the root": "must(libc.pivot_root(b'/tmp', b'/tmp'))",
    "make a device": "os.mknod('/tmp/disk', 0o60666, os.makedev(254, 0))",
    "make a device in memory": "os.mknod('/dev/shm/mem', 0o20666, os.makedev(1, 1))",
    "open a file by handle": (
        "call(304, 265, -100, struct.pack('IiQ', 8, 1, 2) + bytes(64), os.O_RDONLY)"
    ),
    "write to the root": "open('/evil', 'w')",
    "write to /usr": "open('/usr/bin/evil', 'w')",
    "write to /etc": "open('/etc/passwd', 'a')",
    "write to /dev": "open('/dev/evil', 'w')",
    "write to the interpreter": "open(os.path.join(sys.base_prefix, 'evil'), 'w')",
    "replace the interpreter": "os.rename(sys.base_prefix, '/tmp/python')",
    "escape by a link": "os.symlink({secret!r}, '/tmp/l'); open('/tmp/l').read()",
    "escape by a hard link": "os.link('/etc/passwd', '/tmp/passwd')",
    "escape by the parent": "open('/' + '../' * 50 + {secret!r}.lstrip('/')).read()",
    "read another tenant's file": "open({secret!r}).read()",
    "read the platform's key": "open({key!r}).read()",
    "read the host's shadow": "open('/etc/shadow').read()",
    "read root's home": (
        # the way to an interpreter that is installed there may be seen, and nothing beside it
        "assert set(os.listdir({home!r})) - set(sys.base_prefix.split('/'))"
    ),
    "find the host's root by /proc": "open('/proc/1/root' + {secret!r}).read()",
    "list the host by the parent's": "os.listdir('/proc/1/cwd')",
    "read the kernel's log": "must(libc.klogctl(3, ctypes.create_string_buffer(4096), 4096))",
    "read kernel addresses": "assert 'T ' in open('/proc/kallsyms').read()",
    "read kernel keys": "assert open('/proc/keys').read()",
    "read kernel memory": "open('/proc/kcore', 'rb').read(1)",
    "look at hardware": "os.listdir('/sys')",
    "reboot by sysrq": "open('/proc/sysrq-trigger', 'w').write('b')",
    "set a kernel parameter": "open('/proc/sys/kernel/core_pattern', 'w').write('|/tmp/x')",
    "swallow the host's memory first": "open('/proc/self/oom_score_adj', 'w').write('-1000')",
    # processes
    "see the host's processes": "assert len([n for n in os.listdir('/proc') if n.isdigit()]) > 3",
    "signal a host's process": "os.kill({bystander}, 9)",
    "signal everybody's first": "os.kill(1, 9); os.kill(1, 9); os.kill(2, 0)",
    "trace the first process": "must(libc.ptrace(16, 1, 0, 0))",
    "be traced": "must(libc.ptrace(0, 0, 0, 0))",
    "read the first process's memory": "open('/proc/1/mem', 'rb').read(1)",
    "read the first process's environment": "open('/proc/1/environ').read()",
    "read the first process's descriptors": "os.listdir('/proc/1/fd')",
    "take a descriptor": "call(438, 438, os.pidfd_open(1), 3, 0)",
    "read memory across": (
        "call(310, 270, 1, ctypes.create_string_buffer(16), 1, ctypes.create_string_buffer(16), 1)"
    ),
    "compare kernel objects": "call(312, 272, 1, os.getpid(), 2, 0, 0)",
    # privileges
    "become root": "os.setuid(0)",
    "regain a capability": (
        "must(libc.capset(struct.pack('Ii', 0x20080522, 0), struct.pack('6I', *[0xffffffff] * 6)))"
    ),
    "run a setuid program as root": (
        "import subprocess\n"
        "out = subprocess.run(['su', '-c', 'id -u'], capture_output=True, timeout=9)\n"
        "assert out.stdout.strip() == b'0'"
    ),
    "forget no_new_privs": "must(libc.prctl(38, 0, 0, 0, 0))",
    "make a user namespace": "must(libc.unshare(0x10000000))",
    "make a network namespace": "must(libc.unshare(0x40000000))",
    "clone into a namespace": "call(56, 220, 0x10000000 | 17, 0, 0, 0, 0)",
    "clone3 into a namespace": "call(435, 435, struct.pack('11Q', 1 << 28, *[0] * 10), 88)",
    "enter a namespace": (
        "must(libc.setns(os.open('/proc/self/ns/user', os.O_RDONLY), 0x10000000))"
    ),
    "raise a limit": ("import resource; resource.setrlimit(resource.RLIMIT_NPROC, (4096, 4096))"),
    # the kernel's corners
    "ask the keyring": "call(250, 219, 0, -3, 1)",
    "add a key": "call(248, 217, b'user', b'k', b'v', 1, -3)",
    "load a program into the kernel": "call(321, 280, 0, ctypes.create_string_buffer(128), 128)",
    "measure the kernel": "call(298, 241, ctypes.create_string_buffer(128), 0, -1, -1, 0)",
    "set up io_uring": "call(425, 425, 4, ctypes.create_string_buffer(120))",
    "handle page faults": "call(323, 282, 1)",
    "watch the file system": "call(300, 262, 0, 0)",
    "load a module": "call(313, 273, 0, b'', 0)",
    "execute a new kernel": "call(246, 104, 0, 0, 0, 0)",
    "set the clock": "import time; time.clock_settime(time.CLOCK_REALTIME, 0)",
    "rename the host": "must(libc.sethostname(b'evil', 4))",
    "fake input": (
        "import fcntl, pty, termios\nfcntl.ioctl(pty.openpty()[1], termios.TIOCSTI, b'x')"
    ),
    "use a call that is too new": "call(467, 467, 0, 0, 0, 0)",
    # the network
    "connect to the host": "socket.create_connection(('127.0.0.1', {port}), 2)",
    "connect to the world": "socket.create_connection(('192.0.2.1', 80), 2)",
    "resolve a name": "socket.getaddrinfo('example.org', 80)",
    "connect a host's Unix socket": "socket.socket(1).connect({unix!r})",
    "connect a host's abstract socket": "socket.socket(1).connect({abstract!r})",
    "open a VM socket": "socket.socket(40, 1)",
    "open a crypto socket": "socket.socket(38, 5)",
    "open a netlink socket": "socket.socket(16, 3)",
    "open a packet socket": "socket.socket(17, 3)",
    "open a raw socket": "socket.socket(2, 3, 1)",
    "watch the host's network": "assert 'eth' in open('/proc/net/dev').read()",
}

FOREIGN = {
    "x32": "call(0x40000000 | 39, 0)",
    "ia32": (
        "import mmap\n"
        "code = mmap.mmap(-1, 4096, prot=7)\n"
        "code.write(bytes.fromhex('b814000000cd80c3'))\n"
        "at = ctypes.addressof(ctypes.c_char.from_buffer(code))\n"
        "ctypes.CFUNCTYPE(ctypes.c_int)(at)()"
    ),
}


@dataclass(frozen=True, slots=True)
class Outside:
    """What there is to be attacked."""

    facts: dict[str, object]
    bystander: int


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    (tmp_path / "secret").write_text("another tenant's")
    (tmp_path / "key").write_text("the platform's")
    bystander = os.fork()
    if bystander == 0:
        while True:
            signal.pause()
    tcp = socket.create_server(("127.0.0.1", 0))
    with tcp, socket.socket(1) as unix, socket.socket(1) as abstract:
        unix.bind(str(tmp_path / "socket"))
        abstract.bind(f"\0ath-attack-{os.getpid()}")
        unix.listen()
        abstract.listen()
        facts = {
            "secret": str(tmp_path / "secret"),
            "key": str(tmp_path / "key"),
            "home": pwd.getpwuid(0).pw_dir,
            "bystander": bystander,
            "port": tcp.getsockname()[1],
            "unix": unix.getsockname(),
            "abstract": abstract.getsockname(),
        }
        yield Outside(facts, bystander)
    assert os.waitpid(bystander, os.WNOHANG) == (0, 0), "the host's process was hit"
    os.kill(bystander, signal.SIGKILL)
    os.waitpid(bystander, 0)


async def is_usable(sandbox: NamespaceSandbox) -> bool:
    result = await sandbox.exec(Command(code="print('usable')", timeout_seconds=20))
    return result.ok and result.stdout == b"usable\n"


async def test_every_attack_ends_blocked(
    sandbox: NamespaceSandbox, neighbour: NamespaceSandbox, outside: Outside
) -> None:
    succeeded = []
    for name, attack in ATTACKS.items():
        code = PRELUDE + attack.format(**outside.facts)
        result = await sandbox.exec(Command(code=code, timeout_seconds=20))
        if result.exit_code == 0 or result.reason is not Reason.EXIT:
            succeeded.append((name, result))
        if b"SyntaxError" in result.stderr or b"NameError" in result.stderr:
            succeeded.append((name, result))
    assert succeeded == []
    assert await is_usable(sandbox)
    assert await is_usable(neighbour)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="x86-64 has foreign calls")
@pytest.mark.parametrize("convention", FOREIGN)
async def test_a_foreign_call_ends_its_process(sandbox: NamespaceSandbox, convention: str) -> None:
    result = await sandbox.exec(Command(code=PRELUDE + FOREIGN[convention]))
    assert (result.signal, result.reason) == (signal.SIGSYS, Reason.POLICY)
    assert await is_usable(sandbox)


async def test_a_fork_bomb_is_bounded_and_ended(
    sandbox: NamespaceSandbox, neighbour: NamespaceSandbox
) -> None:
    bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    result = await sandbox.exec(Command(code=bomb, timeout_seconds=1))
    assert result.reason is Reason.TIMEOUT
    assert await is_usable(neighbour)
    assert await is_usable(sandbox)


async def test_a_large_bomb_with_little_cpu_ends_with_its_command_alone(
    template: Template,
) -> None:
    limits = Limits(memory_bytes=1 << 30, processes=700, cpus=0.1)
    sandbox = await template.spawn(SandboxSpec("tenant", limits=limits))
    bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    result = await sandbox.exec(Command(code=bomb, timeout_seconds=3))
    assert result.reason is Reason.TIMEOUT
    assert await is_usable(sandbox)
    await sandbox.close()


@pytest.mark.parametrize(
    "flood",
    [
        "import os\nwhile True: os.kill(1, 17)",
        "import os\nwhile True:\n  if os.fork() == 0:\n    os.fork(); os._exit(0)\n  os.wait()",
    ],
)
async def test_a_flood_of_work_for_the_first_process_stops_nothing(
    sandbox: NamespaceSandbox, flood: str
) -> None:
    running = sandbox.start(Command(code=flood, timeout_seconds=60))
    assert await is_usable(sandbox)
    running.end()
    assert (await running.wait()).reason is Reason.KILLED
    assert await is_usable(sandbox)


async def test_one_process_too_many_is_told(sandbox: NamespaceSandbox) -> None:
    code = "import os, signal\nwhile True:\n  if os.fork() == 0: signal.pause()"
    result = await sandbox.exec(Command(code=code))
    told = Reason.PIDS if sandbox.counts_processes else Reason.EXIT
    assert (result.exit_code, result.reason) == (1, told)
    assert await is_usable(sandbox)


@pytest.mark.parametrize(
    "hog",
    [
        "b = bytearray(1 << 30)",
        "import mmap; m = mmap.mmap(-1, 1 << 30); [m.write(b'x' * (1 << 20)) for _ in range(1024)]",
        "import os\nwhile True:\n  if os.fork() == 0: b = bytearray(24 << 20); os.wait()",
        "import os\nwhile True: os.write(os.memfd_create('f'), b'x' * (8 << 20))",
    ],
)
async def test_a_memory_hog_is_ended(
    sandbox: NamespaceSandbox, neighbour: NamespaceSandbox, hog: str
) -> None:
    result = await sandbox.exec(Command(code=hog, timeout_seconds=60))
    assert not result.ok
    assert not sandbox.counts_processes or result.reason is Reason.OOM
    assert await is_usable(neighbour)


async def test_what_an_ended_command_met_is_not_told_of_the_next(
    sandbox: NamespaceSandbox,
) -> None:
    bomb = (
        "import os\n"
        "while True:\n"
        "  try:\n"
        "    if os.fork() == 0: b = bytearray(24 << 20); os.wait()\n"
        "  except OSError: pass"
    )
    assert (await sandbox.exec(Command(code=bomb, timeout_seconds=1))).reason is Reason.TIMEOUT
    assert (await sandbox.exec(Command(code="raise SystemExit(3)"))).reason is Reason.EXIT


@pytest.mark.parametrize("volume", ["/workspace", "/tmp", "/dev/shm"])
async def test_a_full_volume_is_told_and_can_be_emptied(
    sandbox: NamespaceSandbox, neighbour: NamespaceSandbox, volume: str
) -> None:
    fill = "n = 0\nwhile True:\n  open(f'{0}/{{n}}', 'wb').write(b'x' * (1 << 20)); n += 1"
    result = await sandbox.exec(Command(code=fill.format(volume)))
    assert (result.exit_code, result.reason) == (1, Reason.DISK)
    await sandbox.exec(Command(argv=["sh", "-c", f"rm -f {volume}/*"]))
    assert await is_usable(sandbox)
    assert await is_usable(neighbour)


async def test_inodes_run_out_alone(sandbox: NamespaceSandbox, neighbour: NamespaceSandbox) -> None:
    code = "n = 0\nwhile True:\n  open(f'/tmp/{n}', 'w').close(); n += 1"
    result = await sandbox.exec(Command(code=code))
    assert (result.exit_code, result.reason) == (1, Reason.DISK)
    assert await is_usable(neighbour)


async def test_a_file_that_is_too_large_ends_its_writer(sandbox: NamespaceSandbox) -> None:
    result = await sandbox.exec(
        Command(argv=["dd", "if=/dev/zero", "of=/tmp/f", "bs=1M", "count=30", "status=none"])
    )
    assert (result.signal, result.reason) == (signal.SIGXFSZ, Reason.DISK)


async def test_a_daemon_ends_with_its_command(sandbox: NamespaceSandbox) -> None:
    daemon = (
        "import os\n"
        "if os.fork() == 0:\n"
        "  os.setsid()\n"
        "  if os.fork() == 0:\n"
        "    while True: open('/tmp/alive', 'w').write('x')\n"
        "  os._exit(0)\n"
    )
    assert (await sandbox.exec(Command(code=daemon))).ok
    seen = await sandbox.exec(
        Command(code="import os; print([n for n in os.listdir('/proc') if n.isdigit()])")
    )
    assert seen.stdout.count(b"'") == 4, seen  # the first process and the one that looks


async def test_a_neighbours_files_and_processes_are_not_there(
    sandbox: NamespaceSandbox, neighbour: NamespaceSandbox
) -> None:
    neighbour.files.write("mine", b"secret")
    running = neighbour.start(Command(argv=["sleep", "60"]))
    look = "import os; print(os.listdir('/workspace'), os.listdir('/tmp'), os.listdir('/dev/shm'))"
    seen = await sandbox.exec(Command(code=look))
    assert seen.stdout == b"[] [] []\n"
    everyone = "import os; os.kill(-1, 9)"
    await sandbox.exec(Command(code=everyone))
    assert not running.has_ended
    assert await is_usable(neighbour)
