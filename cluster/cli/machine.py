"""Commands about the platform on this machine: up, down, status, doctor."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cluster.cli.command import add_command
from cluster.cli.console import err, out, say_json
from cluster.platform import Platform
from harness.domain.exit_code import ExitCode
from harness.domain.installation import Installation
from harness.settings import Settings
from serve.environments import environments

if TYPE_CHECKING:
    from cluster.doctor import Check

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    add_command(app, up)
    add_command(app, down)
    add_command(app, status)
    add_command(app, doctor)


def up(as_json: AsJson = False) -> int:
    """Start the platform on this machine and wait until its API answers."""
    begun = time.monotonic()
    found = start(Settings.load())
    if as_json:
        say_json(asdict(found))
        return ExitCode.PASSED
    out.print(f"Up after {time.monotonic() - begun:.1f} s: {found.url}")
    out.print(_addresses(found))
    return ExitCode.PASSED


def start(settings: Settings) -> Installation:
    """Start the platform with a progress line on standard error."""
    with err.status("Starting the platform …") as line:
        return Platform(settings).up(lambda step: line.update(f"Starting the platform: {step} …"))


def down() -> int:
    """End the platform on this machine, and nothing else."""
    ended = Platform(Settings.load()).down()
    out.print("Down." if ended else "Nothing was running.")
    return ExitCode.PASSED


def status(as_json: AsJson = False) -> int:
    """Say what the platform on this machine is doing."""
    settings = Settings.load()
    found = Platform(settings).look()
    if as_json:
        say_json(asdict(found) if found else {"state": "down"})
    elif found:
        out.print(f"{found.state}: {found.url} {found.step}".rstrip())
        out.print(_addresses(found))
        out.print(f"{environments(settings).count()} Python environments are kept for suites.")
        out.print(_browsers(settings.scratch / "browsers" / "status.json"))
    else:
        out.print("down: start it with `ath up`")
    return ExitCode.PASSED if found else ExitCode.INFRASTRUCTURE


def doctor(as_json: AsJson = False) -> int:
    """Check everything that runs depend on, each with its remedy."""
    # No other command looks at the machine as closely, and all would wait for these imports.
    from cluster.doctor import examine

    checks = examine(Settings.load())
    if as_json:
        say_json([asdict(check) for check in checks])
    else:
        out.print(_checks(checks))
    failed = any(not check.ok and check.required for check in checks)
    return ExitCode.INFRASTRUCTURE if failed else ExitCode.PASSED


def _checks(checks: "list[Check]") -> Table:
    table = Table("", "check", "found", "remedy", box=None, pad_edge=False)
    for check in checks:
        mark = "[green]ok[/]" if check.ok else "[red]no[/]" if check.required else "[yellow]-[/]"
        table.add_row(mark, check.name, check.found, "" if check.ok else check.remedy)
    return table


def _browsers(note: Path) -> str:
    """What the pool of warm browsers last said of itself."""
    try:
        counts = {name: int(count) for name, count in json.loads(note.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return "Browsers: none started yet"
    most = counts.pop("most", 0)
    return f"Browsers: {', '.join(f'{n} {name}' for name, n in counts.items())} (at most {most})"


def _addresses(found: Installation) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("API docs", f"{found.url}/docs")
    table.add_row("Pages", f"{found.url}/ui")
    table.add_row("Ray dashboard", found.dashboard)
    for part, count in found.restarts.items():
        table.add_row("restarted", f"{part}, {count} times")
    return table
