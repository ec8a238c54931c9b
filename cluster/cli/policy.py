"""Commands about policies: check, explain."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.cli.command import add_command
from cluster.cli.console import err, out, say_json
from harness.domain.exit_code import ExitCode
from harness.errors import InvalidInput

if TYPE_CHECKING:
    from harness.domain.decision import Decision
    from harness.domain.policy import Policy

Files = Annotated[list[Path], typer.Argument(help="Policies; several are intersected.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    policy = typer.Typer(help="What sandboxes may reach and spend.", no_args_is_help=True)
    add_command(policy, check)
    add_command(policy, explain)
    app.add_typer(policy, name="policy")


def check(files: Files) -> int:
    """Check policies; each mistake with its line, else the version."""
    from actors.broker.policy_document import load_policy
    from actors.specs.problem import InvalidSpec

    wrong = 0
    for file in files:
        try:
            out.print(f"{file}: {load_policy(file).version}", markup=False, highlight=False)
        except InvalidSpec as found:
            wrong += 1
            out.print(str(found), markup=False)
    plural = "s" if len(files) != 1 else ""
    err.print(f"{len(files)} file{plural}, {wrong} with mistakes", markup=False)
    return ExitCode.USAGE if wrong else ExitCode.PASSED


def explain(
    files: Files,
    to: Annotated[str | None, typer.Option("--to", help="May it reach host:port?")] = None,
    method: Annotated[str | None, typer.Option(help="With --to: by this HTTP method?")] = None,
    model: Annotated[str | None, typer.Option(help="May it ask this model?")] = None,
    tool: Annotated[str | None, typer.Option(help="May it call this tool?")] = None,
) -> int:
    """Show what the files allow together, and answer questions; 1 if one is refused."""
    policy = _effective(files)
    decisions = list(_decisions(policy, to, method, model, tool))
    say_json({"version": policy.version, **policy.plain()})
    for asked, decision in decisions:
        told = decision.reason or f"{asked} is allowed"
        note = " (as requests that can be read)" if decision.must_read else ""
        err.print(f"{told}{note}", markup=False)
    is_refused = any(not decision.is_allowed for _, decision in decisions)
    return ExitCode.FAILED if is_refused else ExitCode.PASSED


def _effective(files: Sequence[Path]) -> "Policy":
    from actors.broker.policy_document import load_policy
    from actors.specs.problem import InvalidSpec
    from harness.domain.policy import effective

    try:
        return effective(*map(load_policy, files))
    except InvalidSpec as wrong:
        raise InvalidInput(str(wrong)) from None


def _decisions(
    policy: "Policy", to: str | None, method: str | None, model: str | None, tool: str | None
) -> "Sequence[tuple[str, Decision]]":
    from harness.domain.host_name import Endpoint

    found: list[tuple[str, Decision]] = []
    if to is not None:
        where = Endpoint.parse(to, 443)
        network = policy.network
        told = network.request(where, method) if method else network.connection(where)
        found.append((f"{method or ''} {where}".strip(), told))
    if model is not None:
        found.append((f"The model {model}", policy.model(model)))
    if tool is not None:
        found.append((f"The tool {tool}", policy.tool(tool)))
    return found
