"""What every SecretStore promises."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.errors import Corrupt, NotFound
from harness.ports.entropy import SystemEntropy
from harness.ports.secrets import SecretStore
from harness.stores.sql.records import SqlRecords
from tests.support.samples import OTHER_PROJECT, OTHER_TENANT

KEY = b"the installation's own secret, of 32 bytes"
VALUE = "pässword-\n'\"-hunter2"


@pytest.fixture
def secrets(records: SqlRecords) -> SecretStore:
    return records.secrets(KEY)


def test_a_value_is_read_back_as_it_was_set(secrets: SecretStore) -> None:
    secrets.put(DEFAULT_SCOPE, "TOKEN", VALUE, "ann")
    secrets.put(DEFAULT_SCOPE, "OTHER", "other-value", "ann")
    assert secrets.values(DEFAULT_SCOPE, ["TOKEN"]) == {"TOKEN": VALUE}


def test_names_tell_who_set_them_and_no_value(secrets: SecretStore) -> None:
    secrets.put(DEFAULT_SCOPE, "B", VALUE, "ann")
    secrets.put(DEFAULT_SCOPE, "A", VALUE, "bob")
    found = secrets.names(DEFAULT_SCOPE)
    assert [(secret.name, secret.updated_by) for secret in found] == [("A", "bob"), ("B", "ann")]
    assert VALUE not in repr(found)


def test_a_secret_set_again_has_the_new_value(secrets: SecretStore) -> None:
    secrets.put(DEFAULT_SCOPE, "TOKEN", "first-value", "ann")
    secrets.put(DEFAULT_SCOPE, "TOKEN", "second-value", "bob")
    assert secrets.values(DEFAULT_SCOPE, ["TOKEN"]) == {"TOKEN": "second-value"}
    assert [secret.updated_by for secret in secrets.names(DEFAULT_SCOPE)] == ["bob"]


@pytest.mark.parametrize("scope", [OTHER_TENANT, OTHER_PROJECT], ids=["tenant", "project"])
def test_no_other_scope_sees_it(secrets: SecretStore, scope: Scope) -> None:
    secrets.put(DEFAULT_SCOPE, "TOKEN", VALUE, "ann")
    assert secrets.names(scope) == []
    with pytest.raises(NotFound, match="no secret TOKEN"):
        secrets.values(scope, ["TOKEN"])
    with pytest.raises(NotFound, match="no secret TOKEN"):
        secrets.delete(scope, "TOKEN")
    assert secrets.values(DEFAULT_SCOPE, ["TOKEN"]) == {"TOKEN": VALUE}


def test_a_deleted_secret_is_gone(secrets: SecretStore) -> None:
    secrets.put(DEFAULT_SCOPE, "TOKEN", VALUE, "ann")
    secrets.delete(DEFAULT_SCOPE, "TOKEN")
    assert secrets.names(DEFAULT_SCOPE) == []
    with pytest.raises(NotFound):
        secrets.delete(DEFAULT_SCOPE, "TOKEN")


def test_another_key_opens_nothing(records: SqlRecords) -> None:
    records.secrets(KEY).put(DEFAULT_SCOPE, "TOKEN", VALUE, "ann")
    with pytest.raises(Corrupt, match=r"default/default/TOKEN cannot be decrypted.*Set it again"):
        records.secrets(KEY + b"!").values(DEFAULT_SCOPE, ["TOKEN"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "alone.db"
    with closing(SqlRecords(f"sqlite:///{path}", SystemEntropy())) as records:
        records.migrate()
        secrets = records.secrets(KEY)
        secrets.put(DEFAULT_SCOPE, "TOKEN", VALUE, "ann")
        secrets.put(OTHER_TENANT, "TOKEN", "their-value", "bob")
    return path


def test_the_database_holds_no_value_in_clear(file: Path) -> None:
    for path in file.parent.iterdir():
        assert b"hunter2" not in path.read_bytes()


def test_a_row_moved_to_another_tenant_does_not_open(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE tenant = 'default')"
        )
        connection.commit()
    with closing(SqlRecords(f"sqlite:///{file}", SystemEntropy())) as records:
        assert records.secrets(KEY).values(DEFAULT_SCOPE, ["TOKEN"]) == {"TOKEN": VALUE}
        with pytest.raises(Corrupt, match="other/default/TOKEN"):
            records.secrets(KEY).values(OTHER_TENANT, ["TOKEN"])


def test_the_same_value_is_never_sealed_alike(records: SqlRecords, file: Path) -> None:
    with closing(SqlRecords(f"sqlite:///{file}", SystemEntropy())) as other:
        other.secrets(KEY).put(DEFAULT_SCOPE, "AGAIN", VALUE, "ann")
    with closing(sqlite3.connect(file)) as connection:
        sealed = connection.execute("SELECT sealed FROM secrets").fetchall()
    assert len(set(sealed)) == len(sealed) == 3
