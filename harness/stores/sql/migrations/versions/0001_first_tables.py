"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    _api_keys()
    _failure_clusters()
    _remembered()
    _runs()
    _test_histories()
    _test_seconds()
    _assessments()
    _attempts()
    _events()
    _failure_assignments()
    _leases()
    _run_artifacts()
    _tests()


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        _key("key_hash"),
        sa.Column("name", sa.Text(), nullable=False),
        _key("tenant"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("projects", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash"),
    )


def _failure_clusters() -> None:
    op.create_table(
        "failure_clusters",
        *_owner(),
        _key("id"),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_us", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_us", sa.BigInteger(), nullable=False),
        sa.Column("centroid", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "project", "id"),
    )
    op.create_index(
        "ix_failure_clusters_seen",
        "failure_clusters",
        ["algorithm", "tenant", "project", "last_seen_us"],
    )


def _remembered() -> None:
    op.create_table(
        "remembered",
        *_owner(),
        _key("key"),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "project", "key"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        *_owner(),
        _key("id"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("chain_head", sa.Text(), nullable=False),
        sa.Column("next_token", sa.BigInteger(), nullable=False),
        sa.Column("collected", sa.Integer()),
        sa.Column("log", sa.Text()),
        sa.Column("release", sa.Text()),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("started_us", sa.BigInteger()),
        sa.Column("finished_us", sa.BigInteger()),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "project", "id"),
    )
    _partial_index("ix_runs_active", "runs", ["id"], "NOT ended")
    _partial_index(
        "ix_runs_release", "runs", ["release", "tenant", "project", "id"], "release IS NOT NULL"
    )
    op.create_index("ix_runs_state", "runs", ["state", "tenant", "project", "id"])


def _test_histories() -> None:
    op.create_table(
        "test_histories",
        *_owner(),
        _key("environment"),
        _key("test_id"),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("flaky", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "project", "environment", "test_id"),
    )


def _test_seconds() -> None:
    op.create_table(
        "test_seconds",
        *_owner(),
        _key("test_id"),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "project", "test_id"),
    )


def _assessments() -> None:
    op.create_table(
        "assessments",
        *_owner(),
        _key("run_id"),
        sa.Column("assessment", sa.Text(), nullable=False),
        _of_run(),
        sa.PrimaryKeyConstraint("tenant", "project", "run_id"),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        *_owner(),
        _key("id"),
        _key("run_id"),
        _key("test_id"),
        sa.Column("test_index", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lease_id", _KEY),
        sa.Column("result", sa.Text()),
        _of_run(),
        sa.PrimaryKeyConstraint("tenant", "project", "id"),
        sa.UniqueConstraint(
            "run_id", "test_index", "number", "tenant", "project", name="uq_attempts_number"
        ),
    )
    _partial_index(
        "ix_attempts_lease", "attempts", ["lease_id", "tenant", "project"], "result IS NULL"
    )
    _partial_index(
        "ix_attempts_open",
        "attempts",
        ["run_id", "state", "test_index", "number", "tenant", "project"],
        "result IS NULL",
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("position", _POSITION, autoincrement=True, nullable=False),
        *_owner(),
        _key("run_id"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        _key("id"),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("prevhash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        _of_run(),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", name="uq_events_id"),
        sa.UniqueConstraint("run_id", "seq", "tenant", "project", name="uq_events_seq"),
    )
    _partial_index("ix_events_outbox", "events", ["position"], "NOT published")


def _failure_assignments() -> None:
    op.create_table(
        "failure_assignments",
        sa.Column("position", _POSITION, autoincrement=True, nullable=False),
        *_owner(),
        _key("run_id"),
        _key("attempt_id"),
        _key("test_id"),
        _key("cluster_id"),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("is_new", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "project", "cluster_id"],
            ["failure_clusters.tenant", "failure_clusters.project", "failure_clusters.id"],
        ),
        _of_run(),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint(
            "attempt_id", "algorithm", "tenant", "project", name="uq_failure_assignments_attempt"
        ),
    )
    op.create_index(
        "ix_failure_assignments_run",
        "failure_assignments",
        ["run_id", "tenant", "project", "position"],
    )


def _leases() -> None:
    op.create_table(
        "leases",
        *_owner(),
        _key("id"),
        _key("run_id"),
        _key("host"),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        _of_run(),
        sa.PrimaryKeyConstraint("tenant", "project", "id"),
        sa.UniqueConstraint("run_id", "token", "tenant", "project", name="uq_leases_token"),
    )
    _partial_index("ix_leases_open", "leases", ["expires_us"], "NOT ended")


def _run_artifacts() -> None:
    op.create_table(
        "run_artifacts",
        *_owner(),
        _key("run_id"),
        _key("name"),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        _of_run(),
        sa.PrimaryKeyConstraint("tenant", "project", "run_id", "name"),
    )


def _tests() -> None:
    op.create_table(
        "tests",
        *_owner(),
        _key("run_id"),
        sa.Column("test_index", sa.Integer(), nullable=False),
        _key("test_id"),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer()),
        sa.Column("serial_group", sa.Text()),
        _of_run(),
        sa.PrimaryKeyConstraint("tenant", "project", "run_id", "test_index"),
    )


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, _KEY, nullable=False)


def _owner() -> tuple[sa.Column[str], sa.Column[str]]:
    return _key("tenant"), _key("project")


def _of_run() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant", "project", "run_id"], ["runs.tenant", "runs.project", "runs.id"]
    )


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
