"""Runs one test of a spec as pytest asks for it."""

import ast
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType
from typing import NoReturn

import pytest

from actors.specs.allow_list import AllowList
from actors.specs.budget import Allowance
from actors.specs.context import EGRESS, TestContext
from actors.specs.execution import FailedStep
from actors.specs.failure import StepFailed
from actors.specs.http import HttpSession
from actors.specs.item import SpecFunction
from actors.specs.lookup import UnknownLookup, filled, text_of
from actors.specs.recorder import Recorder
from actors.specs.redaction import Redactor
from actors.specs.spec import Spec
from harness.ports.clock import SystemClock
from harness.settings import caller_environ


def run_item(item: SpecFunction) -> None:
    """Carry it out.

    Raises:
        StepFailed: a step failed; raised as if from the step's line in the spec.
    """
    spec, clock = item.loaded.spec, SystemClock()
    environ = caller_environ()
    recorder = Recorder(clock, Redactor(), getattr(item, "_ath_tell", None))
    begin_recording(item, recorder)
    http = HttpSession(item.keeps_cookies)
    findings: list[tuple[str, str]] = []
    try:
        names = _names(item, spec, environ, recorder.redactor)
        base_url = text_of(names["base_url"] or "")
        context = TestContext(
            folder=item.path.parent,
            root=item.config.rootpath,
            base_url=base_url,
            clock=clock,
            recorder=recorder,
            allow=AllowList.of(spec.allow, base_url, environ),
            allowance=Allowance(spec.budget_of(item.facts), clock.monotonic()),
            fixture=item._request.getfixturevalue,
            http=http,
            environ=environ,
            spec=item.path,
            name=item.case,
            findings=findings,
            config=item.config,
        )
        if item.egress is not None:
            item.egress.allow = context.allow
            context.kept[EGRESS] = item.egress
        context.values = variables_of({**spec.variables, **item.variables()}, names)
        failed = item.carry_out(context, names)
    except (StepFailed, UnknownLookup) as before:
        # Before the first step: what the suite needs is not there.
        _raising_at(str(item.path), item.line, item.originalname)(StepFailed(str(before)))
    finally:
        http.close()
        item.user_properties += [
            (
                name,
                recorder.redactor.text("; ".join(told for each, told in findings if each == name)),
            )
            for name in sorted({name for name, _ in findings})
        ]
        if item.egress is not None:
            item._ath_denied = item.egress.plain()  # type: ignore[attr-defined]  # read by the runner
        item._ath_steps = recorder.plain()  # type: ignore[attr-defined]  # read by the runner
    if failed:
        _raise(item, failed)


def begin_recording(item: pytest.Item, recorder: Recorder) -> None:
    """Let the platform's runner find steps and redaction; it looks for plain attributes."""
    item._ath_steps = []  # type: ignore[attr-defined]
    item._ath_redact = recorder.redactor.text  # type: ignore[attr-defined]
    item._ath_redactor = recorder.redactor  # type: ignore[attr-defined]  # for our own plugin


def redacted(item: pytest.Item, text: str) -> str:
    """The text without the item's secrets."""
    redact: Callable[[str], str] = getattr(item, "_ath_redact", str)
    return redact(text)


def base_url_of(config: pytest.Config, environ: Mapping[str, str], default: str | None) -> str:
    """Where the system under test is: as the environment says, else the command line, else this."""
    named = environ.get("ATH_BASE_URL") or config.getoption("base_url", None)
    return str(named or default or "")


def secret_of(environ: Mapping[str, str], name: str, redactor: Redactor) -> str:
    """The value of a secret, which is never recorded from now on.

    Raises:
        StepFailed: it is not set.
    """
    if name not in environ:
        raise StepFailed(
            f"the secret {name} is not set: set the environment variable {name}; on the platform "
            f"`ath run --secret {name}` gives it to the tests"
        )
    redactor.register(name, environ[name])
    return environ[name]


def _names(
    item: SpecFunction, spec: Spec, environ: Mapping[str, str], redactor: Redactor
) -> dict[str, object]:
    """What look-ups see that no step changes."""
    names = suite_names(spec, environ, redactor)
    names["fixtures"] = {name: item.funcargs[name] for name in {*spec.use, *item.facts.use}}
    names["base_url"] = base_url_of(item.config, environ, written_base_url(spec, names))
    names["matrix"] = filled(item.row(), names)
    return names


def suite_names(spec: Spec, environ: Mapping[str, str], redactor: Redactor) -> dict[str, object]:
    """What look-ups of every test see; secrets are registered.

    Raises:
        StepFailed: a variable of the environment, or a secret, is not set.
    """
    env = {name: environ.get(name, default) for name, default in spec.environment.items()}
    missing = sorted(name for name, value in env.items() if value is None)
    if missing:
        raise StepFailed(
            f"the environment variable {missing[0]} is not set, and the spec gives no default"
        )
    return {
        "env": env,
        "secrets": {name: secret_of(environ, name, redactor) for name in spec.secrets},
    }


def written_base_url(spec: Spec, names: Mapping[str, object]) -> str | None:
    """The suite's own base URL, with look-ups replaced."""
    return None if spec.base_url is None else text_of(filled(spec.base_url, names))


def variables_of(written: Mapping[str, object], names: Mapping[str, object]) -> dict[str, object]:
    """Variables may look up what is fixed, and variables before them."""
    values: dict[str, object] = {}
    for name, value in written.items():
        try:
            values[name] = filled(value, {**values, **names})
        except UnknownLookup as unknown:
            raise StepFailed(f"the variable {name}: {unknown}") from None
    return values


def _raise(item: SpecFunction, failed: list[FailedStep]) -> None:
    """Raise from the failing step's line in the spec, so that every report leads there."""
    first = failed[0]
    error = StepFailed("\n".join(each.message for each in failed))
    for name, value in first.details.items():
        # A note is shown with the failure, but is no part of the message that groups failures.
        error.add_note(redacted(item, f"{name}: {value}"))
    _raising_at(str(item.path), first.line, item.originalname)(error)


def _raising_at(file: str, line: int, name: str) -> Callable[[StepFailed], NoReturn]:
    """A function that stands at a line of the spec and raises what it is given."""
    tree = ast.parse("def raising(error): raise error")
    for node in ast.walk(tree):
        # No columns: those of this text mean nothing in the spec.
        vars(node).update(lineno=line, end_lineno=line, col_offset=-1, end_col_offset=-1)
    inner = next(c for c in compile(tree, file, "exec").co_consts if isinstance(c, CodeType))
    return FunctionType(inner.replace(co_name=name, co_qualname=name), {}, name)
