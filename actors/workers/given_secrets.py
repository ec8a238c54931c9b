"""The secrets of one run while its host executes it: in memory, and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.workers.reporter import persistently
from harness.domain.redaction import Redactor
from harness.domain.work import Grant
from harness.ports.dispatch import Dispatch


@dataclass(frozen=True, slots=True)
class GivenSecrets:
    """Values for the suite's processes, and what keeps them out of all that is recorded."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    redactor: Redactor = field(default_factory=Redactor, repr=False)

    @classmethod
    async def fetch(cls, grant: Grant, dispatch: Dispatch) -> "GivenSecrets":
        """The secrets that the run names.

        Raises:
            NotFound: one was deleted since the run was submitted.
        """
        if not grant.run.request.secrets:
            return cls()
        scope, lease_id = grant.run.scope, grant.lease.id
        values = await persistently(lambda: dispatch.secrets(scope, lease_id))
        return cls(values, Redactor.of(values))
