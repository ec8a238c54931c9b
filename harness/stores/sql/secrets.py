"""Secrets by scope and name, encrypted."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from harness.domain.scope import Scope
from harness.domain.secret import Secret
from harness.errors import NotFound
from harness.stores.sql.codec import Values, micros, time_of
from harness.stores.sql.scoped import Scoped
from harness.stores.sql.seal import Seal
from harness.stores.sql.session import Session
from harness.stores.sql.tables import SECRETS


@dataclass(frozen=True, slots=True)
class SqlSecrets:
    """The secrets of every scope in the record store's own database."""

    session: Callable[[], AbstractContextManager[Session]]
    seal: Seal

    def put(self, scope: Scope, name: str, value: str, by: str) -> None:
        """Insert or replace."""
        with self._of(scope) as db:
            row: Values = {
                "name": name,
                "sealed": self.seal.close(value, _place(scope, name)),
                "updated_us": micros(db.now()),
                "updated_by": by,
            }
            db.replace(SECRETS, [row], key=("name",))

    def names(self, scope: Scope) -> Sequence[Secret]:
        """What there is in the scope, by name."""
        with self._of(scope) as db:
            columns = (SECRETS.c.name, SECRETS.c.updated_us, SECRETS.c.updated_by)
            found = db.rows(db.select(SECRETS, *columns).order_by(SECRETS.c.name))
        return [Secret(row.name, time_of(row.updated_us), row.updated_by) for row in found]

    def values(self, scope: Scope, names: Collection[str]) -> Mapping[str, str]:
        """The values of these secrets."""
        with self._of(scope) as db:
            found = db.rows(db.select(SECRETS).where(SECRETS.c.name.in_(sorted(names))))
        values = {row.name: self.seal.open(row.sealed, _place(scope, row.name)) for row in found}
        for name in names:
            if name not in values:
                raise NotFound(_missing(name))
        return values

    def delete(self, scope: Scope, name: str) -> None:
        """Forget it."""
        with self._of(scope) as db:
            if not db.change(db.delete(SECRETS).where(SECRETS.c.name == name)):
                raise NotFound(_missing(name))

    @contextmanager
    def _of(self, scope: Scope) -> Iterator[Scoped]:
        with self.session() as work:
            yield Scoped(work, scope)


def _place(scope: Scope, name: str) -> str:
    return f"The secret {scope.tenant}/{scope.project}/{name}"


def _missing(name: str) -> str:
    return f"There is no secret {name} in this project. Set it: ath secrets set {name}"
