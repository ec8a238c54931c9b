"""`ath agent explore`: walks through a web app, tells what is wrong, and proposes a spec."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from cluster.cli.command import add_command
from cluster.cli.console import err, out
from harness.domain.exit_code import ExitCode
from harness.errors import InvalidInput, Unavailable
from harness.settings import Settings

if TYPE_CHECKING:
    from actors.specs.agents.exploration import Exploration

MOST_BYTES = 10 << 20
Out = Annotated[Path | None, typer.Option("--out", help="Write the spec here.", dir_okay=False)]
Allowed = Annotated[
    list[str] | None, typer.Option("--allow", help="A further host that pages may load from.")
]


def register(agent: typer.Typer) -> None:
    """Add the command."""
    add_command(agent, explore)


def explore(
    url: Annotated[str, typer.Argument(help="Where it begins: a page, or an OpenAPI document.")],
    out_file: Out = None,
    pages: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="At most so long.")] = 120,
    allow: Allowed = None,
) -> int:
    """Visit pages by their links and propose a spec; 1 if something is wrong with them."""
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise InvalidInput(f"{url} is no address; it begins with http:// or https://.")
    description = _description(url)
    if description is not None:
        from actors.specs.agents.proposed_spec import spec_of_api

        _write(spec_of_api(url, description), out_file)
        return ExitCode.PASSED
    found = _walked(url, pages, seconds, allow or [])
    for trouble in found.troubles:
        err.print(f"{trouble.kind}: {trouble.page}: {trouble.told}", markup=False, highlight=False)
    left = f", {found.left_out} more are known" if found.left_out else ""
    err.print(f"{len(found.visited)} pages{left}, {len(found.troubles)} findings", markup=False)
    from actors.specs.agents.proposed_spec import spec_of_pages

    try:
        _write(spec_of_pages(url, found.visited), out_file)
    except ValueError as nothing:
        raise InvalidInput(f"There is nothing to propose: {nothing}.") from None
    return ExitCode.FAILED if found.troubles else ExitCode.PASSED


def _walked(url: str, pages: int, seconds: float, allow: list[str]) -> "Exploration":
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise InvalidInput("Exploring needs Playwright: pip install playwright.") from None
    from actors.specs.agents.exploration import Bounds, Exploration
    from actors.specs.allow_list import AllowList
    from harness.ports.clock import SystemClock
    from serve.browser import browser

    choice = browser(Settings.load())
    path = choice.path if choice else None
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=path)
            try:
                page = chromium.new_page(accept_downloads=False)
                bounds = Bounds(pages, seconds)
                walk = Exploration(page, url, SystemClock(), AllowList(allow, url), bounds)
                walk.run()
            finally:
                chromium.close()
    except Error as failed:
        told = failed.message.partition("\n")[0]
        raise Unavailable(
            f"The browser failed: {told}. `ath doctor` says which it finds."
        ) from None
    return walk


def _description(url: str) -> Any:  # Any: an OpenAPI document
    """The OpenAPI document at the address; None where there is something else."""
    import httpx
    import yaml

    from actors.specs.agents.proposed_spec import is_description

    try:
        with httpx.stream("GET", url, timeout=10, follow_redirects=False) as answer:
            kind = answer.headers.get("content-type", "")
            if answer.status_code != 200 or not ("json" in kind or "yaml" in kind):
                return None
            data = b""
            for part in answer.iter_bytes():
                data += part
                if len(data) > MOST_BYTES:
                    raise InvalidInput(f"{url} has more than {MOST_BYTES >> 20} MiB.")
        found = yaml.safe_load(data)
    except httpx.HTTPError as failed:
        raise Unavailable(f"{url} does not answer: {failed}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return found if is_description(found) else None


def _write(text: str, file: Path | None) -> None:
    if file is None:
        out.print(text, markup=False, highlight=False, soft_wrap=True, end="")
        return
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise InvalidInput(f"{file} exists; name another file.") from None
    except OSError as failed:
        raise InvalidInput(f"{file} cannot be written: {failed}") from None
    err.print(f"Wrote {file}", markup=False, highlight=False)
