"""Who may change what belongs to a whole tenant."""

from typing import Annotated

from fastapi import Depends, Request

from api.rest.access import caller
from harness.domain.principal import Principal, Role
from harness.errors import Forbidden


async def _operator(request: Request) -> Principal:
    by = await caller(request)
    if by.role is not Role.OPERATOR or by.projects:
        raise Forbidden(f"{by.name} is not operator of tenant {by.tenant}.")
    return by


TenantOperator = Annotated[Principal, Depends(_operator)]
"""A caller who is operator of all projects of its tenant."""
