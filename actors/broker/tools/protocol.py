"""MCP for the tools of one lease; loads the `mcp` package, so it is imported when first needed."""

import base64
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    ImageContent,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from mcp_types import Tool as ListedTool

from actors.broker.tools.calls import ToolCalls
from actors.broker.tools.http_exchange import HttpExchange
from actors.broker.tools.tool import Part, Picture

NAME = "ath"
UNTRUSTED = {"ath/untrusted": True}
"""Goes with each text that the platform did not write itself."""
_HOSTS = ["127.0.0.1", "localhost", "[::1]"]


@dataclass(slots=True)
class McpProtocol:
    """Streamable HTTP without sessions, for clients of the present revision and of earlier ones."""

    calls: ToolCalls
    most_body: int
    _manager: StreamableHTTPSessionManager = field(init=False)

    def __post_init__(self) -> None:
        """Nothing of a request is kept for the next."""
        server = Server(
            NAME,
            instructions="Tools of the sandbox's broker; policies decide which there are.",
            get_tool_input_schema=self._schema,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        # A page that a browser beside the agent shows must not speak for the agent.
        near = TransportSecuritySettings(
            allowed_hosts=[*_HOSTS, *(f"{host}:*" for host in _HOSTS)],
            allowed_origins=[f"http://{host}:*" for host in _HOSTS],
        )
        self._manager = StreamableHTTPSessionManager(
            server, stateless=True, security_settings=near, max_request_body_size=self.most_body
        )

    def running(self) -> AbstractAsyncContextManager[None]:
        """Within the context it answers; entered once, and left by the task that entered it."""
        return self._manager.run()

    async def answer(self, exchange: HttpExchange) -> None:
        """Answer one request."""
        await exchange.carry(self._manager.handle_request)

    async def _list(self, _: object, __: PaginatedRequestParams | None) -> ListToolsResult:
        listed = [
            ListedTool(name=tool.name, description=tool.description, input_schema=dict(tool.schema))
            for tool in self.calls.offered()
        ]
        return ListToolsResult(tools=listed)

    async def _call(self, _: object, asked: CallToolRequestParams) -> CallToolResult:
        answer = await self.calls.call(asked.name, asked.arguments or {})
        return CallToolResult(content=list(map(_block, answer.parts)), is_error=answer.is_error)

    def _schema(self, name: str) -> dict[str, Any] | None:  # Any: a JSON Schema
        found = next((tool for tool in self.calls.offered() if tool.name == name), None)
        return dict(found.schema) if found else None


def _block(part: Part) -> ContentBlock:
    if isinstance(part, Picture):
        data = base64.b64encode(part.png).decode()
        return ImageContent(type="image", data=data, mime_type="image/png", _meta=UNTRUSTED)
    meta = UNTRUSTED if part.is_untrusted else None
    return TextContent(type="text", text=part.text, _meta=meta)
