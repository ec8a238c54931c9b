"""API keys by their keyed hash."""

from sqlalchemy import bindparam, delete, insert, select

from harness.domain.ids import ProjectId, TenantId
from harness.domain.principal import Principal, Role
from harness.stores.sql.codec import NAMES
from harness.stores.sql.session import Session
from harness.stores.sql.tables import API_KEYS

_FORGET = delete(API_KEYS).where(API_KEYS.c.key_hash == bindparam("old"))


def principal_of(session: Session, key_hash: str) -> Principal | None:
    """Whose API key has this keyed hash."""
    found = session.rows(select(API_KEYS).where(API_KEYS.c.key_hash == key_hash))
    if not found:
        return None
    row = found[0]
    return Principal(
        name=row.name,
        tenant=TenantId(row.tenant),
        role=Role(row.role),
        projects=tuple(ProjectId(name) for name in NAMES.value(row.projects)),
    )


def put_key(session: Session, key_hash: str, principal: Principal) -> None:
    """Store an API key; replaces the principal of the same hash."""
    session.change_many(_FORGET, [{"old": key_hash}])
    row = {
        "key_hash": key_hash,
        "name": principal.name,
        "tenant": principal.tenant,
        "role": principal.role,
        "projects": NAMES.text(principal.projects),
    }
    session.change_many(insert(API_KEYS), [row])
