"""What launchers start instead of Chromium: leases a warm one, or becomes the real one.

Run by path as `python -I -S stand_in.py DOOR WORKER REAL ARGUMENT…` with DevTools' pipe on
descriptors 3 and 4. Standard library only.
"""

import json
import os
import socket
import sys
from typing import Any

_EXACT = {"PATH", "HOME", "TZ", "LANG", "LANGUAGE", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"}
_BEGINNINGS = (
    *("LC_", "LD_", "XDG_", "FONTCONFIG_", "CHROME_", "SSL_", "GOOGLE_", "LIBGL_", "MESA_"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
)
_NEEDED = {"--remote-debugging-pipe", "--no-startup-window"}
"""Without the second it is a browser with a profile that somebody wants to keep."""
_OWN_PROFILE = "--user-data-dir="


def main() -> None:
    """Stand in, or be Chromium."""
    door, worker, real, *arguments = sys.argv[1:]
    if set(arguments) >= _NEEDED and any(word.startswith("--headless") for word in arguments):
        wish = {
            "worker": worker,
            "argv": [real, *(word for word in arguments if not word.startswith(_OWN_PROFILE))],
            "env": [[k, v] for k, v in sorted(os.environ.items()) if _concerns_browsers(k)],
        }
        _attend(_ask(door, wish))
    os.execv(real, [real, *arguments])


def _ask(door: str, wish: dict[str, Any]) -> dict[str, str]:
    """Where the leased browser is; nothing when there is none."""
    with socket.socket(socket.AF_UNIX) as end:
        try:
            end.connect(door)
            end.sendall(json.dumps(wish).encode() + b"\n")
            found = json.loads(end.makefile("rb").readline() or b"{}")
        except (OSError, ValueError):
            found = {}
    return found if isinstance(found, dict) else {}


def _attend(place: dict[str, str]) -> None:
    """Hand over DevTools' pipe and stay as long as the browser is leased."""
    if not place.get("token"):
        return
    end = socket.socket(socket.AF_UNIX)
    try:
        end.connect(place["door"])
        socket.send_fds(end, [place["token"].encode() + b"\n"], [3, 4])
        said = end.makefile("rb")
        if said.readline() != b"ok\n":
            return
    except OSError:
        return
    os.close(3)
    os.close(4)
    os._exit(0 if said.readline() == b"bye\n" else 1)


def _concerns_browsers(name: str) -> bool:
    return name in _EXACT or name.upper().startswith(_BEGINNINGS)


if __name__ == "__main__":
    main()
