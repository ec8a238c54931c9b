"""Commands about agents: run, explore, triage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster.cli import explore, triage
from cluster.cli.agent_report import AgentReport
from cluster.cli.agent_suite import AgentSuite, read_yaml
from cluster.cli.command import add_command
from cluster.cli.follow import follow
from cluster.cli.interpreter import program_python
from cluster.cli.options import AsJson
from cluster.cli.session import connected
from harness.errors import InvalidInput
from harness.settings import Settings, caller_environ

Words = Annotated[list[str], typer.Argument(help="After `--`: the program and its arguments.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    agent = typer.Typer(help="Programs that act by themselves.", no_args_is_help=True)
    add_command(agent, run)
    explore.register(agent)
    triage.register(agent)
    app.add_typer(agent, name="agent")


def run(  # each is an option of the command line
    program: Words,
    name: Annotated[str | None, typer.Option(help="Of the agent, for its stored policy.")] = None,
    policy: Annotated[Path | None, typer.Option(help="File that says what it may do.")] = None,
    allow: Annotated[list[str] | None, typer.Option(help="Host[:port] it may reach.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Model it may ask: source/name.")] = None,
    tool: Annotated[list[str] | None, typer.Option(help="Tool it may call.")] = None,
    script: Annotated[Path | None, typer.Option(help="What models scripted/… say.")] = None,
    python: Annotated[str | None, typer.Option(help="Interpreter with its packages.")] = None,
    file: Annotated[list[str] | None, typer.Option(help="File or glob that it gets.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="File of its own to keep.")] = None,
    env_var: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for it.")] = None,
    seconds: Annotated[float, typer.Option(help="How long it may run.")] = 600.0,
    memory_mib: Annotated[int, typer.Option(help="Memory of its sandbox.")] = 512,
    as_json: AsJson = False,
) -> int:
    """Run a program as an agent: `ath agent run --model openai/* -- python agent.py`."""
    settings, environ = Settings.load(), caller_environ()
    listed = [*(model or []), *(["scripted/*"] if script and not (policy or model) else [])]
    own = _policy(policy, allow or [], listed, tool or [])
    step: dict[str, Any] = {  # Any: a step as YAML has it
        "program": program,
        # An empty policy of its own would leave nothing of the one that is stored.
        **({"policy": own} if own or policy or not name else {}),
        "python": python or ("" if settings.url else program_python(program, environ)),
        "env": _variables(env_var or []),
        "limits": {"memory_mib": memory_mib},
        "keep": keep or [],
        **({"name": name} if name else {}),
        **({"script": read_yaml(script)} if script else {}),
    }
    suite = AgentSuite(Path.cwd(), file or ["*"], step, seconds)
    with connected(settings) as client, suite.written() as root:
        submitted = suite.submit(client, root, settings.suite_mib << 20)
        follow(client, submitted.id, quiet=True)
        return AgentReport.fetch(client, submitted.id).tell(client, as_json=as_json)


def _policy(
    file: Path | None, allow: Sequence[str], models: Sequence[str], tools: Sequence[str]
) -> Any:  # Any: a document as YAML has it
    if file is None:
        rules = [_rule(each) for each in allow]
        network = {"network": {"allow": rules}} if rules else {}
        names = {"models": list(models), "tools": list(tools)}
        return network | {kind: listed for kind, listed in names.items() if listed}
    if allow or models or tools:
        raise InvalidInput("--policy says it all; --allow, --model and --tool do without a file.")
    return read_yaml(file)


def _rule(text: str) -> dict[str, Any]:
    from harness.domain.host_rule import HostRule

    rule = HostRule.written(text)
    ports = "*" if rule.ports is None else sorted(rule.ports)
    return {"host": rule.hosts.text, "ports": ports, "private": rule.private.texts()}


def _variables(given: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    wrong = next((name for name, sign, _ in pairs if not (name and sign)), None)
    if wrong is not None:
        raise InvalidInput(f"--env-var {wrong}: write NAME=VALUE, for agents inherit nothing.")
    return {name: value for name, _, value in pairs}
