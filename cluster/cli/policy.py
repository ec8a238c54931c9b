"""Commands about policies: check, explain, and those that are stored."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cluster.cli.command import add_command
from cluster.cli.console import err, out, say_json
from cluster.cli.session import connect
from harness.domain.exit_code import ExitCode
from harness.errors import InvalidInput
from harness.settings import Settings

if TYPE_CHECKING:
    from harness.domain.effective_policy import EffectivePolicy
    from harness.domain.policy import Policy
    from harness.domain.policy_version import PolicyVersion

_DIGITS = 12
"""Of a digest, where people look."""

Files = Annotated[list[Path], typer.Argument(help="Policies.")]
Documents = Annotated[
    list[Path], typer.Argument(help="Files or stored agents; several are intersected.")
]
Agent = Annotated[str | None, typer.Argument(help="Whose policy; else the tenant's own.")]
OfTenant = Annotated[bool, typer.Option("--tenant", help="The tenant's own policy.")]
Replacing = Annotated[
    int | None, typer.Option(min=0, help="Only if this version holds; 0: only if none does.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    policy = typer.Typer(help="What agents and sandboxes may do.", no_args_is_help=True)
    for command in (check, explain, set_policy, show, list_policies, remove):
        add_command(policy, command, name=command.__name__.partition("_")[0])
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
    documents: Documents,
    to: Annotated[str | None, typer.Option("--to", help="May it reach host:port?")] = None,
    method: Annotated[str | None, typer.Option(help="With --to: by this HTTP method?")] = None,
    model: Annotated[str | None, typer.Option(help="May it ask this model?")] = None,
    tool: Annotated[str | None, typer.Option(help="May it call this tool?")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answers in the document, too.")] = False,
) -> int:
    """Show what agents or files may do together, and answer questions; 1 if one is refused.

    A name that is no file is that of an agent: its stored policy and the tenant's.
    """
    from harness.domain.policy import effective
    from harness.domain.policy_question import PolicyQuestion

    stored = _stored([str(each) for each in documents if not _is_file(each)])
    files = [_loaded(each) for each in documents if _is_file(each)]
    policy = effective(*(each.policy for each in stored), *files)
    answers = PolicyQuestion(to, method, model, tool).answers(policy)
    shown: dict[str, object] = {"version": policy.version, **policy.plain()}
    if stored:
        shown["documents"] = [plain for each in stored for plain in _documents(each)]
    if as_json:
        shown["answers"] = [
            {"asked": each.asked, "is_allowed": each.is_allowed, "told": str(each)}
            for each in answers
        ]
    say_json(shown)
    for answer in answers:
        err.print(str(answer), markup=False)
    return ExitCode.PASSED if all(each.is_allowed for each in answers) else ExitCode.FAILED


def set_policy(
    file: Annotated[Path, typer.Argument(help="A policy.")],
    agent: Annotated[str | None, typer.Option(help="Whose policy it is.")] = None,
    tenant: OfTenant = False,
    replacing: Replacing = None,
    as_json: AsJson = False,
) -> int:
    """Store a policy of an agent, or the tenant's own, as a new version."""
    name = _whose(agent, tenant=tenant)
    _loaded(file)
    text = file.read_text(encoding="utf-8-sig")
    with connect(Settings.load()) as client:
        version = client.policies.put(text, name, replacing=replacing).version
    if as_json:
        say_json(_plain(version))
    else:
        told = f"Version {version.number} of the policy of {version.of} holds: {version.digest}"
        out.print(told, markup=False)
    return ExitCode.PASSED


def show(
    agent: Agent = None,
    number: Annotated[int | None, typer.Option(min=1, help="An earlier version.")] = None,
    versions: Annotated[bool, typer.Option("--versions", help="List all versions.")] = False,
    as_json: AsJson = False,
) -> int:
    """Show a stored policy as it was written."""
    with connect(Settings.load()) as client:
        if versions:
            return _list(client.policies.versions(agent or ""), as_json=as_json)
        found = client.policies.get(agent or "", number)
    version = found.version
    if as_json:
        say_json({**_plain(version), "text": found.text, "policy": found.policy.plain()})
        return ExitCode.PASSED
    told = (
        f"Version {version.number} of the policy of {version.of}, by {version.by}, {_when(version)}"
    )
    err.print(told, markup=False)
    out.print(found.text.removesuffix("\n"), markup=False)
    return ExitCode.PASSED


def list_policies(as_json: AsJson = False) -> int:
    """List the stored policies that hold."""
    with connect(Settings.load()) as client:
        return _list(client.policies.list(), as_json=as_json)


def remove(agent: Agent = None, tenant: OfTenant = False, replacing: Replacing = None) -> int:
    """Remove a stored policy; its versions are kept. Without one, nothing is allowed."""
    name = _whose(agent, tenant=tenant)
    with connect(Settings.load()) as client:
        client.policies.remove(name, replacing=replacing)
    out.print(f"The policy of {f'agent {name}' if name else 'the tenant'} is gone.", markup=False)
    return ExitCode.PASSED


def _whose(agent: str | None, *, tenant: bool) -> str:
    from harness.domain.policy_version import TENANT, check_agent_name

    if tenant == (agent is not None):
        raise InvalidInput("Say whose policy: an agent's name, or --tenant.")
    if agent is None:
        return TENANT
    check_agent_name(agent)
    return agent


def _is_file(named: Path) -> bool:
    """Whether a file is meant; one that is missing is told as a file if it looks like one."""
    return named.exists() or len(named.parts) > 1 or named.suffix in {".yaml", ".yml"}


def _loaded(file: Path) -> "Policy":
    from actors.broker.policy_document import load_policy
    from actors.specs.problem import InvalidSpec

    try:
        return load_policy(file)
    except InvalidSpec as wrong:
        raise InvalidInput(str(wrong)) from None


def _stored(agents: Sequence[str]) -> "Sequence[EffectivePolicy]":
    if not agents:
        return []
    with connect(Settings.load()) as client:
        return [client.policies.effective(each) for each in agents]


def _documents(found: "EffectivePolicy") -> Sequence[dict[str, object]]:
    tenant, own = found.tenant, found.own
    if tenant is None:
        err.print("The tenant has no policy, so nothing is allowed.", markup=False)
    if own is None:
        told = f"There is no policy of agent {found.agent}, so it may do nothing by itself."
        err.print(told, markup=False)
    return [_plain(each) for each in (tenant, own) if each is not None]


def _list(found: "Sequence[PolicyVersion]", *, as_json: bool) -> int:
    if as_json:
        say_json([_plain(each) for each in found])
        return ExitCode.PASSED
    table = Table("policy of", "version", "digest", "by", "at", box=None)
    for each in found:
        digest = each.digest[:_DIGITS] if each.digest else "removed"
        row = (each.of, str(each.number), digest, each.by, _when(each))
        table.add_row(*map(escape, row))
    out.print(table if found else "There is no policy, so agents may do nothing.")
    return ExitCode.PASSED


def _plain(version: "PolicyVersion") -> dict[str, object]:
    return {
        "agent": version.agent or None,
        "number": version.number,
        "digest": version.digest,
        "by": version.by,
        "at": version.at,
    }


def _when(version: "PolicyVersion") -> str:
    return version.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
