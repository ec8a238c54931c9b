"""The servers of models that a lease may ask, opened."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from actors.broker.model_provider import ModelProvider
from actors.broker.openai_provider import OpenAIProvider
from harness.domain.agent_grant import ModelSource


def open_providers(
    sources: Sequence[ModelSource], opened: AsyncExitStack
) -> dict[str, ModelProvider]:
    """A provider for each source by its name, closed with the stack."""
    found: dict[str, ModelProvider] = {}
    for source in sources:
        provider = OpenAIProvider(source.base_url, source.key, source.prices)
        opened.push_async_callback(provider.close)
        found[source.name] = provider
    return found


def keys_of(sources: Sequence[ModelSource]) -> dict[str, str]:
    """Their keys, by names for whatever hides them."""
    return {f"key of {source.name}": source.key for source in sources if source.key}
