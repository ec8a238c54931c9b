"""`/v1/policies`: what the caller's tenant and its agents may do."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response

from api.rest.access import Caller, With
from api.rest.reply import reply, unchanged
from api.rest.tenant import TenantOperator
from api.rest.wire.policy import (
    EffectivePolicyWire,
    PolicyList,
    PolicyVersionList,
    PolicyWire,
    PutPolicyWire,
    effective_wire,
    policy_wire,
    version_wire,
)
from api.services import Services
from harness.domain.policy_question import PolicyQuestion
from harness.domain.policy_version import TENANT, PolicyDocument
from harness.domain.principal import Principal
from harness.errors import InvalidInput

router = APIRouter(prefix="/v1/policies", tags=["policies"])

_Name = Annotated[str, Path(max_length=120)]
_Number = Annotated[int | None, Query(ge=1, le=1 << 53)]
_IfMatch = Annotated[str | None, Header(max_length=40)]
_Text = Annotated[str | None, Query(max_length=300)]
_TAG = re.compile(r'"([0-9]{1,15})"')


@router.get("", response_model=PolicyList)
async def list_policies(services: With, by: Caller) -> Response:
    """Every document that holds: the tenant's, then those of agents by name."""
    found = await services.threaded(services.policies.list, by.tenant)
    return reply(PolicyList.model_construct(policies=[version_wire(each) for each in found]))


@router.get("/tenant", response_model=PolicyWire)
async def get_tenants(
    request: Request, services: With, by: Caller, number: _Number = None
) -> Response:
    """The tenant's own document, or one version of it."""
    return await _get(request, services, by, TENANT, number)


@router.put("/tenant", response_model=PolicyWire)
async def put_tenants(
    services: With, by: TenantOperator, wire: PutPolicyWire, if_match: _IfMatch = None
) -> Response:
    """Make a new version of the tenant's own document."""
    return await _put(services, by, TENANT, wire, if_match)


@router.delete("/tenant", status_code=204)
async def remove_tenants(services: With, by: TenantOperator, if_match: _IfMatch = None) -> Response:
    """Remove the tenant's own document; nothing is allowed until there is one again."""
    return await _remove(services, by, TENANT, if_match)


@router.get("/tenant/versions", response_model=PolicyVersionList)
async def tenants_versions(services: With, by: Caller) -> Response:
    """Every version of the tenant's own document."""
    return await _versions(services, by, TENANT)


@router.get("/agents/{name}", response_model=PolicyWire)
async def get(
    request: Request, services: With, by: Caller, name: _Name, number: _Number = None
) -> Response:
    """An agent's document, or one version of it."""
    return await _get(request, services, by, name, number)


@router.put("/agents/{name}", response_model=PolicyWire)
async def put(
    services: With, by: TenantOperator, name: _Name, wire: PutPolicyWire, if_match: _IfMatch = None
) -> Response:
    """Make a new version of an agent's document."""
    return await _put(services, by, name, wire, if_match)


@router.delete("/agents/{name}", status_code=204)
async def remove(
    services: With, by: TenantOperator, name: _Name, if_match: _IfMatch = None
) -> Response:
    """Remove an agent's document."""
    return await _remove(services, by, name, if_match)


@router.get("/agents/{name}/versions", response_model=PolicyVersionList)
async def versions(services: With, by: Caller, name: _Name) -> Response:
    """Every version of an agent's document."""
    return await _versions(services, by, name)


@router.get("/agents/{name}/effective", response_model=EffectivePolicyWire)
async def effective(
    services: With,
    by: Caller,
    name: _Name,
    to: _Text = None,
    method: _Text = None,
    model: _Text = None,
    tool: _Text = None,
) -> Response:
    """What the tenant's document and the agent's own allow together, with answers to questions."""
    found = await services.threaded(services.policies.effective, by.tenant, name)
    answers = PolicyQuestion(to, method, model, tool).answers(found.policy)
    return reply(effective_wire(found, list(answers)))


async def _get(
    request: Request, services: Services, by: Principal, agent: str, number: int | None
) -> Response:
    found = await services.threaded(services.policies.get, by.tenant, agent, number)
    if unchanged(request, _tag(found)):
        return Response(status_code=304, headers={"ETag": _tag(found)})
    return _reply(found)


async def _put(
    services: Services, by: Principal, agent: str, wire: PutPolicyWire, if_match: str | None
) -> Response:
    put = services.policies.put
    return _reply(await services.threaded(put, by, agent, wire.text, _replacing(if_match)))


async def _remove(services: Services, by: Principal, agent: str, if_match: str | None) -> Response:
    await services.threaded(services.policies.remove, by, agent, _replacing(if_match))
    return Response(status_code=204)


async def _versions(services: Services, by: Principal, agent: str) -> Response:
    found = await services.threaded(services.policies.versions, by.tenant, agent)
    return reply(PolicyVersionList.model_construct(versions=[version_wire(v) for v in found]))


def _reply(found: PolicyDocument) -> Response:
    return reply(policy_wire(found), 200, {"ETag": _tag(found)})


def _tag(found: PolicyDocument) -> str:
    return f'"{found.version.number}"'


def _replacing(if_match: str | None) -> int | None:
    """The number that an `If-Match` names; `"0"` means that there must be no document."""
    if if_match is None:
        return None
    tag = _TAG.fullmatch(if_match.strip())
    if tag is None:
        raise InvalidInput('If-Match must be one version\'s number in quotes, such as "3".')
    return int(tag[1])
