"""The kernel's interpreter of a filter, as far as filters use it."""

import struct
from collections.abc import Sequence


def judge(program: bytes, number: int, arch: int, arguments: Sequence[int] = ()) -> int:
    """What the filter answers to one call."""
    words = (*arguments, *[0] * (6 - len(arguments)))
    call = struct.pack("<iIQ6Q", _signed(number), arch, 0, *words)
    steps = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator = at = 0
    while True:
        operation, if_true, if_false, operand = steps[at]
        at += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", call, operand)
            case 0x15:
                at += if_true if accumulator == operand else if_false
            case 0x35:
                at += if_true if accumulator >= operand else if_false
            case 0x45:
                at += if_true if accumulator & operand else if_false
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(f"no such operation: {operation:#x}")


def _signed(number: int) -> int:
    return number - (1 << 32) if number >= 1 << 31 else number
