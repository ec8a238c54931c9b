"""Values as people read them."""

import shlex
from collections.abc import Sequence
from datetime import datetime


def moment(time: datetime | None) -> str:
    """To the second, in UTC."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else "not yet"


def duration(seconds: float | None) -> str:
    """Rounded to what matters."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def command(argv: Sequence[str]) -> str:
    """As one would type it."""
    return shlex.join(argv)


def size(count: int) -> str:
    """Bytes in the unit that fits."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def words(name: str) -> str:
    """An enumeration's value as words."""
    return name.replace("_", " ")
