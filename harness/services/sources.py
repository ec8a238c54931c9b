"""Suites from git repositories, as their users see them."""

import asyncio
from dataclasses import dataclass

from harness.domain.git_reference import GitReference
from harness.domain.redaction import Redactor
from harness.domain.scope import Scope
from harness.errors import HarnessError
from harness.ports.secrets import SecretStore
from harness.ports.sources import Credential, Fetched, SourceFetcher


@dataclass(frozen=True, slots=True)
class Sources:
    """Fetches suites with the credentials that a project keeps."""

    fetcher: SourceFetcher
    secrets: SecretStore

    async def fetch(self, scope: Scope, reference: GitReference, secret: str | None) -> Fetched:
        """See `SourceFetcher.fetch`.

        Raises:
            NotFound: there is no such secret in the scope.
        """
        if secret is None:
            return await self.fetcher.fetch(scope, reference, None)
        values = await asyncio.to_thread(self.secrets.values, scope, [secret])
        try:
            return await self.fetcher.fetch(scope, reference, Credential(values[secret]))
        except HarnessError as error:
            raise type(error)(Redactor.of(values).text(str(error))) from None
