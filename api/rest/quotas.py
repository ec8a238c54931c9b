"""`/v1/quotas`: what the caller's tenant may have at once."""

from fastapi import APIRouter
from starlette.responses import Response

from api.rest.access import Caller, With
from api.rest.reply import reply
from api.rest.wire.quota import CapacityWire, QuotaList, QuotaWire
from harness.domain.principal import Role
from harness.domain.quota import Quota, QuotaName
from harness.errors import Forbidden

router = APIRouter(prefix="/v1/quotas", tags=["quotas"])


@router.get("", response_model=QuotaList)
async def list_quotas(services: With, by: Caller) -> Response:
    """Every limit of the caller's tenant."""
    found = await services.threaded(services.quotas.of_tenant, by.tenant)
    return reply(QuotaList.model_construct(quotas=[_wire(quota) for quota in found]))


@router.put("/{name}", response_model=QuotaWire)
async def set_quota(
    services: With, by: Caller, name: QuotaName, capacity: CapacityWire
) -> Response:
    """Limit the caller's tenant; for operators of all its projects."""
    if by.role is not Role.OPERATOR or by.projects:
        raise Forbidden(f"{by.name} is not operator of tenant {by.tenant}.")
    quota = await services.threaded(services.quotas.set, by, name, capacity.capacity)
    return reply(_wire(quota))


def _wire(quota: Quota) -> QuotaWire:
    return QuotaWire.model_construct(name=quota.name, capacity=quota.capacity, used=quota.used)
