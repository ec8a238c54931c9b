"""Secrets as their users see them: by name, never by value."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from harness.domain.ids import LeaseId
from harness.domain.principal import Principal
from harness.domain.redaction import Redactor
from harness.domain.run import RunRequest
from harness.domain.scope import Scope
from harness.domain.secret import MOST_OF_RUN, Secret, check_secret_name, check_secret_value
from harness.errors import InvalidInput
from harness.ports.records import Records
from harness.ports.secrets import SecretStore


@dataclass(frozen=True, slots=True)
class Secrets:
    """Everything that is done with secrets."""

    records: Records
    store: SecretStore

    def put(self, scope: Scope, name: str, value: str, by: Principal) -> None:
        """Set a secret; the next run that names it gets this value.

        Raises:
            InvalidInput: the name or the value cannot be used.
        """
        check_secret_name(name)
        check_secret_value(name, value)
        self.store.put(scope, name, value, by.name)

    def names(self, scope: Scope) -> Sequence[Secret]:
        """What there is in the scope, by name."""
        return self.store.names(scope)

    def delete(self, scope: Scope, name: str) -> None:
        """Forget a secret; runs that name it cannot start any more.

        Raises:
            NotFound: there is no such secret in the scope.
        """
        self.store.delete(scope, name)

    def check(self, scope: Scope, request: RunRequest) -> None:
        """Refuse a request whose secrets are not there, or that holds the value of one in clear.

        Raises:
            InvalidInput: says which name or variable is wrong.
            NotFound: one is not in the scope.
        """
        if not request.secrets:
            return
        _check_names(request)
        redactor = Redactor.of(self.store.values(scope, request.secrets))
        for place, text in _recorded(request).items():
            if redactor.text(text) != text:
                raise InvalidInput(
                    f"{place} holds the value of a secret, and what a run is asked for is "
                    "recorded. Leave it out: the suite gets the secret as its own variable."
                )

    def of_lease(self, scope: Scope, lease_id: LeaseId) -> Mapping[str, str]:
        """The values of a run's secrets, for the host that executes it.

        Raises:
            Fenced: the lease has ended.
            NotFound: a secret was deleted since the run was submitted.
        """
        with self.records.transaction(scope) as tx:
            names: Collection[str] = tx.runs.get(tx.leases.get(lease_id).run_id).request.secrets
        return self.store.values(scope, names) if names else {}


def _check_names(request: RunRequest) -> None:
    if len(request.secrets) > MOST_OF_RUN:
        raise InvalidInput(f"A run can use {MOST_OF_RUN} secrets; this one names more.")
    environment = request.environment.variables if request.environment else {}
    for name in request.secrets:
        check_secret_name(name)
        if name in request.variables or name in environment:
            raise InvalidInput(f"{name} is named as a secret and given as a variable. Take one.")


def _recorded(request: RunRequest) -> Mapping[str, str]:
    environment = request.environment
    variables = {**request.variables, **(environment.variables if environment else {})}
    return {
        "The command": " ".join(request.argv),
        "A label": " ".join(request.labels.values()),
        "The environment's command": " ".join(environment.up) if environment else "",
        **{f"The variable {name}": value for name, value in variables.items()},
    }
