"""`knowledge.search`: what earlier runs of the project know of a failure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from actors.broker.tools.arguments import Arguments
from actors.broker.tools.tool import Tool, ToolAnswer, quoted
from harness.ports.knowledge import Knowledge, KnownFailure

MOST = 20


class SearchArguments(Arguments):
    """What to look for."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=5_000)]
    """A message of a failure, or names and words that it has."""
    limit: Annotated[int, Field(ge=1, le=MOST)] = 5


@dataclass(frozen=True, slots=True)
class KnowledgeSearch:
    """Finds kinds of failures by the names and words that they have."""

    knowledge: Knowledge
    name: str = "knowledge.search"
    description: str = (
        "Kinds of failures that earlier runs of this project have had, which share most with a "
        "text: how often and when each was seen. By names and words, not by meaning."
    )
    lacks: str = ""
    pays_itself: bool = False

    @property
    def schema(self) -> Mapping[str, Any]:  # Any: a JSON Schema
        """Of its arguments."""
        return SearchArguments.described()

    async def call(self, given: Mapping[str, object]) -> ToolAnswer:
        """Search."""
        asked = SearchArguments.read(given)
        found = await self.knowledge.search(asked.text, asked.limit)
        return quoted(f"{len(found)} kinds of failures are alike.", "\n".join(map(_line, found)))

    async def close(self) -> None:
        """Nothing is kept."""


def knowledge_search(knowledge: Knowledge) -> Tool:
    """The tool for what is known of one project."""
    return KnowledgeSearch(knowledge)


def _line(one: KnownFailure) -> str:
    told = {
        "title": one.title,
        "times": one.times,
        "first_seen": one.first_seen.isoformat(timespec="seconds"),
        "last_seen": one.last_seen.isoformat(timespec="seconds"),
        "likeness": one.likeness,
        "reason": one.reason,
    }
    return json.dumps(told, ensure_ascii=False)
