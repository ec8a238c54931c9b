"""A gRPC server of sandboxes on loopback: both sides show a certificate of the installation."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import aio

from api.auth.certificates import (
    LOOPBACK,
    SERVER_LIFE,
    InstallationAuthority,
    principal_named,
)
from api.grpc.generated.ath.v1 import sandbox_pb2 as wire
from api.grpc.sandboxes import SandboxesService
from api.refusal import refusal
from harness.domain.ids import TenantId
from harness.domain.principal import Role
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Forbidden, HarnessError, Unavailable
from harness.ports.entropy import Entropy

PROBLEM = "ath-problem-bin"
"""The trailer that holds what went wrong, as JSON."""
MOST_CALLS = 128
"""Each of which may hold a file in memory."""
MOST_DETAIL_CHARS = 1000
"""Of what went wrong: trailers are small."""
STOP_SECONDS = 2.0
_SERVICE = wire.DESCRIPTOR.services_by_name["Sandboxes"]
_LOOKS = frozenset({"List", "Get", "Events", "ReadJournal", "ListSnapshots"})
"""What a viewer may ask for."""
_STATUS = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    413: grpc.StatusCode.OUT_OF_RANGE,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    507: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_CODES = {"tier_unavailable": grpc.StatusCode.FAILED_PRECONDITION}

_Context: TypeAlias = "aio.ServicerContext[Any, Any]"  # Any: it is given messages of every kind


@dataclass(slots=True)
class Gateway:
    """Serves until it is stopped; its certificate is made anew before it ends."""

    service: SandboxesService
    authority: InstallationAuthority
    entropy: Entropy
    port: int
    """0 takes one that is free, and is it then."""
    _server: aio.Server | None = None
    _certified_at: datetime | None = field(default=None)

    async def start(self) -> None:
        """Listen.

        Raises:
            Unavailable: the port is taken.
        """
        most = self.service.file_bytes + (1 << 20)
        self._server = aio.server(
            maximum_concurrent_rpcs=MOST_CALLS,
            options=[
                ("grpc.max_receive_message_length", most),
                ("grpc.max_send_message_length", most),
                ("grpc.so_reuseport", 0),
            ],
        )
        methods = {method.name: self._handler(method) for method in _SERVICE.methods}
        handlers = grpc.method_handlers_generic_handler(_SERVICE.full_name, methods)
        self._server.add_generic_rpc_handlers((handlers,))
        credentials = grpc.dynamic_ssl_server_credentials(
            self._credentials(),
            self._renewed,  # type: ignore[arg-type]  # gRPC itself documents None for "as before"
            require_client_authentication=True,
        )
        try:
            self.port = self._server.add_secure_port(f"{LOOPBACK}:{self.port}", credentials)
        except RuntimeError as taken:
            raise Unavailable(f"Port {self.port} for gRPC is taken; set ATH_GRPC_PORT.") from taken
        await self._server.start()

    async def serve(self) -> None:
        """Listen until somebody stops it."""
        await self.start()
        if self._server is not None:
            await self._server.wait_for_termination()

    async def stop(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            await self._server.stop(STOP_SECONDS)

    def _credentials(self) -> grpc.ServerCertificateConfiguration:
        self._certified_at = self.authority.clock.now()
        mine = self.authority.server()
        pairs = [(mine.key, mine.chain)]
        return grpc.ssl_server_certificate_configuration(pairs, self.authority.pem)

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Asked for with each connection; None keeps the certificate."""
        now = self.authority.clock.now()
        fresh = self._certified_at is not None and now - self._certified_at < SERVER_LIFE / 2
        return None if fresh else self._credentials()

    def _handler(self, method: MethodDescriptor) -> "grpc.RpcMethodHandler[Any, Any]":
        call = getattr(self.service, _snake(method.name))
        role = Role.VIEWER if method.name in _LOOKS else Role.MEMBER
        asked, told = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        make = grpc.unary_unary_rpc_method_handler
        behaviour: Callable[..., Any] = self._once(call, role)  # Any: of either kind of method
        if method.server_streaming:
            make = grpc.unary_stream_rpc_method_handler
            behaviour = self._stream(call, role)
        return make(
            behaviour,
            request_deserializer=asked.FromString,
            response_serializer=told.SerializeToString,
        )

    def _once(
        self, call: Callable[[TenantId, Message], Awaitable[Message]], role: Role
    ) -> Callable[[Message, _Context], Awaitable[Message]]:
        async def answered(asked: Message, context: _Context) -> Message:
            try:
                return await call(_tenant(context, role), asked)
            except Exception as trouble:  # the border of the process: all of it is told as a status
                await self._refuse(context, trouble)

        return answered

    def _stream(
        self, call: Callable[[TenantId, Message], Any], role: Role
    ) -> Callable[[Message, _Context], AsyncIterator[Message]]:
        async def told(asked: Message, context: _Context) -> AsyncIterator[Message]:
            try:
                async with aclosing(call(_tenant(context, role), asked)) as items:
                    async for item in items:
                        yield item
            except Exception as trouble:  # likewise
                await self._refuse(context, trouble)

        return told

    async def _refuse(self, context: _Context, trouble: Exception) -> NoReturn:
        if isinstance(trouble, aio.AbortError):
            raise trouble
        error = trouble if isinstance(trouble, HarnessError) else HarnessError("It failed.")
        if error is not trouble:
            error.__cause__ = trouble
        told = refusal(error, self.entropy.new_id())
        body = {**told, "detail": str(told["detail"])[:MOST_DETAIL_CHARS]}
        code = _CODES.get(error.code, _STATUS.get(error.status, grpc.StatusCode.INTERNAL))
        await context.abort(code, str(body["detail"]), ((PROBLEM, json.dumps(body).encode()),))


def _tenant(context: _Context, role: Role) -> TenantId:
    names = context.auth_context().get("x509_subject_alternative_name", ())
    who = principal_named([bytes(name).decode("utf-8", "replace") for name in names])
    if not who.may(role, who.tenant, DEFAULT_SCOPE.project):
        raise Forbidden(f"{who.name} is not {role} of {who.tenant}.")
    return who.tenant


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
