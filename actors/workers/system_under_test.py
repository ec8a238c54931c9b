"""An Environment's own server, brought up for one run and taken down after it."""

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

from actors.sandbox.process import ProcessSandbox
from harness.domain.environment import Environment
from harness.errors import InvalidInput, Unavailable

PROBE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class SystemUnderTest:
    """An environment with its look-ups resolved, and its server if this run started one."""

    environment: Environment
    sandbox: ProcessSandbox | None = None

    async def close(self) -> None:
        """Take the server down."""
        if self.sandbox:
            await self.sandbox.close()


def resolved(environment: Environment, port: int) -> Environment:
    """The environment with `${port}` and `${base_url}` replaced.

    Raises:
        InvalidInput: it names a look-up that does not exist.
    """

    def fill(text: str, names: Mapping[str, str]) -> str:
        try:
            return Template(text).substitute(names)
        except (KeyError, ValueError) as wrong:
            raise InvalidInput(
                f"The environment {environment.name!r} says {text!r}, which has an unknown "
                "look-up. Known are ${port} and ${base_url}; write $$ for a dollar sign."
            ) from wrong

    names = {"port": str(port)}
    base_url = fill(environment.base_url, names) if environment.base_url else None
    names["base_url"] = base_url or ""
    given = {"ATH_BASE_URL": base_url} if base_url else {}
    if environment.allow is not None:
        given["ATH_ALLOW"] = " ".join(environment.allow)
    return replace(
        environment,
        base_url=base_url,
        up=tuple(fill(word, names) for word in environment.up),
        health=fill(environment.health, names) if environment.health else None,
        variables=given | {key: fill(value, names) for key, value in environment.variables.items()},
    )


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def wait_until_healthy(
    environment: Environment, sandbox: ProcessSandbox | None, log: Path
) -> None:
    """Return as soon as the health probe answers below 400.

    Raises:
        Unavailable: it did not in time, or the server ended; the message quotes its output.
    """
    if environment.health is None:
        return
    loop = asyncio.get_running_loop()
    until = loop.time() + environment.ready_seconds
    while not await asyncio.to_thread(_answers, environment.health):
        if sandbox and sandbox.has_ended:
            raise Unavailable(
                f"The command of environment {environment.name!r} ended before its health probe "
                f"answered. Its last output:\n{_tail(log)}"
            )
        if loop.time() > until:
            raise Unavailable(
                f"The environment {environment.name!r} did not answer {environment.health} within "
                f"{environment.ready_seconds:g} s. Its last output:\n{_tail(log)}"
            )
        await asyncio.sleep(PROBE_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310  # the suite's own URL
            return bool(reply.status < 400)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _tail(log: Path, limit: int = 2000) -> str:
    try:
        return log.read_bytes()[-limit:].decode(errors="replace").strip()
    except FileNotFoundError:
        return "(none)"
