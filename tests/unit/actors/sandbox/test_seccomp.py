import errno
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.sandbox.seccomp import ALLOW, NAMESPACE, STRICT, SUITE, Filter, assemble
from actors.sandbox.syscalls import ARM64, NEWEST, X86_64, Architecture
from tests.unit.actors.sandbox.bpf import judge

KILL = 0x80000000
BOTH = pytest.mark.parametrize("arch", [X86_64, ARM64], ids=lambda arch: arch.name)
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
AF_VSOCK, AF_ALG, AF_PACKET = 40, 38, 17


def fails(number: int) -> int:
    return 0x00050000 | number


def answer(wanted: Filter, arch: Architecture, name: str, *arguments: int) -> int:
    return judge(assemble(wanted, arch), arch.numbers[name], arch.audit, arguments)


@BOTH
def test_every_refused_call_fails_and_every_missing_one_is_unknown(arch: Architecture) -> None:
    for wanted in (NAMESPACE, STRICT, SUITE):
        for name in set(wanted.refused) & set(arch.numbers):
            assert answer(wanted, arch, name) == fails(errno.EPERM), name
        for name in wanted.missing:
            assert answer(wanted, arch, name) == fails(errno.ENOSYS), name


@BOTH
@given(number=st.integers(0, NEWEST))
def test_whatever_no_filter_names_is_allowed(arch: Architecture, number: int) -> None:
    if number not in arch.numbers.values():
        assert judge(assemble(NAMESPACE, arch), number, arch.audit) == ALLOW


@BOTH
@given(number=st.integers(NEWEST + 1, 0x3FFFFFFF))
def test_a_newer_call_is_unknown(arch: Architecture, number: int) -> None:
    assert judge(assemble(SUITE, arch), number, arch.audit) == fails(errno.ENOSYS)


@given(number=st.integers(0x40000000, 0xFFFFFFFF))
def test_an_x32_call_ends_the_process(number: int) -> None:
    assert judge(assemble(NAMESPACE, X86_64), number, X86_64.audit) == KILL


@BOTH
@given(other=st.integers(0, 0xFFFFFFFF))
def test_a_call_of_another_architecture_ends_the_process(arch: Architecture, other: int) -> None:
    if other != arch.audit:
        assert judge(assemble(NAMESPACE, arch), 1, other) == KILL


@BOTH
@pytest.mark.parametrize(
    ("wanted", "family", "expected"),
    [
        (NAMESPACE, 1, ALLOW),
        (NAMESPACE, 2, ALLOW),
        (NAMESPACE, 10, ALLOW),
        (NAMESPACE, 16, fails(errno.EAFNOSUPPORT)),
        (NAMESPACE, AF_VSOCK, fails(errno.EAFNOSUPPORT)),
        (NAMESPACE, AF_ALG, fails(errno.EAFNOSUPPORT)),
        (STRICT, 1, fails(errno.EAFNOSUPPORT)),
        (STRICT, 2, fails(errno.EAFNOSUPPORT)),
        (SUITE, 1, ALLOW),
        (SUITE, 16, ALLOW),
        (SUITE, AF_PACKET, fails(errno.EAFNOSUPPORT)),
        (SUITE, AF_VSOCK, fails(errno.EAFNOSUPPORT)),
    ],
)
def test_sockets_by_family(arch: Architecture, wanted: Filter, family: int, expected: int) -> None:
    assert answer(wanted, arch, "socket", family) == expected


@BOTH
def test_the_high_word_of_a_family_changes_nothing(arch: Architecture) -> None:
    assert answer(STRICT, arch, "socket", 1 << 32 | 2) == fails(errno.EAFNOSUPPORT)


@BOTH
@pytest.mark.parametrize("bit", [17, *range(25, 31)])
def test_clone_makes_no_namespace(arch: Architecture, bit: int) -> None:
    assert answer(NAMESPACE, arch, "clone", 1 << bit | 17) == fails(errno.EPERM)


@BOTH
def test_clone_makes_threads_and_processes(arch: Architecture) -> None:
    thread, fork = 0x3D0F00, 0x1200011
    assert answer(NAMESPACE, arch, "clone", thread) == ALLOW
    assert answer(NAMESPACE, arch, "clone", fork) == ALLOW
    assert answer(SUITE, arch, "clone", 1 << 28) == ALLOW


@BOTH
def test_no_input_is_faked_on_a_terminal(arch: Architecture) -> None:
    assert answer(NAMESPACE, arch, "ioctl", 0, 0x5412) == fails(errno.EPERM)
    assert answer(NAMESPACE, arch, "ioctl", 0, 0x541C) == fails(errno.EPERM)
    assert answer(NAMESPACE, arch, "ioctl", 0, 0x5401) == ALLOW


@BOTH
@pytest.mark.parametrize(
    ("name", "arguments", "is_allowed"),
    [
        ("prlimit64", (0, 7), True),
        ("prlimit64", (1, 7), False),
        ("prlimit64", (0xFFFFFFFF,), False),
        ("setpriority", (0, 0), True),
        ("setpriority", (0, 9), False),
        ("setpriority", (2, 0), False),
        ("ioprio_set", (1, 0), True),
        ("ioprio_set", (3, 0), False),
        ("sched_setaffinity", (0,), True),
        ("sched_setaffinity", (9,), False),
        ("personality", (0xFFFFFFFF,), True),
        ("personality", (0,), True),
        ("personality", (0x0400000,), False),
        ("personality", (0x0040000,), False),
    ],
)
def test_nobody_but_oneself_is_hurried_or_limited(
    arch: Architecture, name: str, arguments: tuple[int, ...], is_allowed: bool
) -> None:
    expected = ALLOW if is_allowed else fails(errno.EPERM)
    assert answer(STRICT, arch, name, *arguments) == expected


@BOTH
def test_a_filter_fits_the_kernel(arch: Architecture) -> None:
    assert all(len(assemble(one, arch)) // 8 <= 4096 for one in (NAMESPACE, STRICT, SUITE))


@BOTH
def test_numbers_are_those_of_the_kernels_headers(arch: Architecture) -> None:
    if not HEADERS[arch.name].is_file():
        pytest.skip("the kernel's headers are not installed")
    text = HEADERS[arch.name].read_text()
    found = {
        name.removeprefix("3264_"): int(number)
        for name, number in re.findall(r"#define __NR_?(\w+)\s+(\d+)", text)
    }
    known = {name.lstrip("_"): number for name, number in found.items()}
    newer = {"statmount", "listmount"}
    for name, number in arch.numbers.items():
        if name not in newer:
            assert known[name.lstrip("_")] == number, name
