"""The tables, as the newest migration leaves them.

Every table of a project has `tenant` and `project` as the first part of its key. Times are whole
microseconds since 1970 (UTC): exact, and compared alike by both databases. Structured parts that
no query looks into are JSON text. Every index but the key begins with what tells rows apart:
before PostgreSQL has statistics it takes any index whose first columns match, and a scan of one
whole project made updates quadratic.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

# PostgreSQL compares keys byte by byte, as SQLite does, whatever the database's locale is.
KEY = String().with_variant(String(collation="C"), "postgresql")
# SQLite numbers rows by itself only in a column declared INTEGER.
POSITION = BigInteger().with_variant(Integer(), "sqlite")

METADATA = MetaData()


def _key(name: str) -> Column[str]:
    return Column(name, KEY, nullable=False)


def _owner() -> tuple[Column[str], Column[str]]:
    return _key("tenant"), _key("project")


def _primary(*names: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint("tenant", "project", *names)


def _of_run() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant", "project", "run_id"], ["runs.tenant", "runs.project", "runs.id"]
    )


RUNS = Table(
    "runs",
    METADATA,
    *_owner(),
    _key("id"),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("chain_head", Text, nullable=False),
    Column("next_token", BigInteger, nullable=False),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("collected", Integer),
    Column("log", Text),
    Column("release", Text),
    Column("created_us", BigInteger, nullable=False),
    Column("started_us", BigInteger),
    Column("finished_us", BigInteger),
    Column("ended", Boolean, nullable=False),
    Column("request", Text, nullable=False),
    _primary("id"),
    Index("ix_runs_state", "state", "tenant", "project", "id"),
    Index(
        "ix_runs_release",
        *("release", "tenant", "project", "id"),
        sqlite_where=text("release IS NOT NULL"),
        postgresql_where=text("release IS NOT NULL"),
    ),
    Index(
        "ix_runs_active",
        "id",
        sqlite_where=text("NOT ended"),
        postgresql_where=text("NOT ended"),
    ),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("position", POSITION, primary_key=True, autoincrement=True),
    *_owner(),
    _key("run_id"),
    Column("seq", BigInteger, nullable=False),
    _key("id"),
    Column("type", Text, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Column("prevhash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("traceparent", Text, nullable=False),
    Column("published", Boolean, nullable=False),
    UniqueConstraint("run_id", "seq", "tenant", "project", name="uq_events_seq"),
    UniqueConstraint("id", name="uq_events_id"),
    _of_run(),
    Index(
        "ix_events_outbox",
        "position",
        sqlite_where=text("NOT published"),
        postgresql_where=text("NOT published"),
    ),
)

TESTS = Table(
    "tests",
    METADATA,
    *_owner(),
    _key("run_id"),
    Column("test_index", Integer, nullable=False),
    _key("test_id"),
    Column("file", Text, nullable=False),
    Column("line", Integer),
    Column("serial_group", Text),
    Column("quarantined", Text),
    _primary("run_id", "test_index"),
    _of_run(),
)

TEST_SECONDS = Table(
    "test_seconds",
    METADATA,
    *_owner(),
    _key("test_id"),
    Column("seconds", Float, nullable=False),
    _primary("test_id"),
)

TEST_HISTORIES = Table(
    "test_histories",
    METADATA,
    *_owner(),
    _key("environment"),
    _key("test_id"),
    Column("runs", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("flaky", BigInteger, nullable=False),
    _primary("environment", "test_id"),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    *_owner(),
    _key("id"),
    _key("run_id"),
    _key("test_id"),
    Column("test_index", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("state", Text, nullable=False),
    Column("lease_id", KEY),
    Column("result", Text),
    _primary("id"),
    UniqueConstraint(
        *("run_id", "test_index", "number", "tenant", "project"), name="uq_attempts_number"
    ),
    _of_run(),
    Index(
        "ix_attempts_open",
        *("run_id", "state", "test_index", "number", "tenant", "project"),
        sqlite_where=text("result IS NULL"),
        postgresql_where=text("result IS NULL"),
    ),
    Index(
        "ix_attempts_lease",
        *("lease_id", "tenant", "project"),
        sqlite_where=text("result IS NULL"),
        postgresql_where=text("result IS NULL"),
    ),
)

LEASES = Table(
    "leases",
    METADATA,
    *_owner(),
    _key("id"),
    _key("run_id"),
    _key("host"),
    Column("token", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    _primary("id"),
    UniqueConstraint("run_id", "token", "tenant", "project", name="uq_leases_token"),
    _of_run(),
    Index(
        "ix_leases_open",
        "expires_us",
        sqlite_where=text("NOT ended"),
        postgresql_where=text("NOT ended"),
    ),
)

FAILURE_CLUSTERS = Table(
    "failure_clusters",
    METADATA,
    *_owner(),
    _key("id"),
    Column("algorithm", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("first_seen_us", BigInteger, nullable=False),
    Column("last_seen_us", BigInteger, nullable=False),
    Column("centroid", Text, nullable=False),
    Column("keys", Text, nullable=False),
    _primary("id"),
    Index("ix_failure_clusters_seen", "algorithm", "tenant", "project", "last_seen_us"),
)

ASSIGNMENTS = Table(
    "failure_assignments",
    METADATA,
    Column("position", POSITION, primary_key=True, autoincrement=True),
    *_owner(),
    _key("run_id"),
    _key("attempt_id"),
    _key("test_id"),
    _key("cluster_id"),
    Column("score", Float, nullable=False),
    Column("is_new", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    UniqueConstraint(
        *("attempt_id", "algorithm", "tenant", "project"), name="uq_failure_assignments_attempt"
    ),
    _of_run(),
    ForeignKeyConstraint(
        ["tenant", "project", "cluster_id"],
        ["failure_clusters.tenant", "failure_clusters.project", "failure_clusters.id"],
    ),
    Index("ix_failure_assignments_run", "run_id", "tenant", "project", "position"),
)

ASSESSMENTS = Table(
    "assessments",
    METADATA,
    *_owner(),
    _key("run_id"),
    Column("assessment", Text, nullable=False),
    _primary("run_id"),
    _of_run(),
)

RUN_ARTIFACTS = Table(
    "run_artifacts",
    METADATA,
    *_owner(),
    _key("run_id"),
    _key("name"),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    _primary("run_id", "name"),
    _of_run(),
)

SECRETS = Table(
    "secrets",
    METADATA,
    *_owner(),
    _key("name"),
    Column("sealed", Text, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    _primary("name"),
)

REMEMBERED = Table(
    "remembered",
    METADATA,
    *_owner(),
    _key("key"),
    Column("value", Text, nullable=False),
    _primary("key"),
)

QUARANTINES = Table(
    "quarantines",
    METADATA,
    *_owner(),
    _key("pattern"),
    Column("reason", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("until_us", BigInteger),
    _primary("pattern"),
)

QUOTAS = Table(
    "quotas",
    METADATA,
    Column("tenant", KEY, primary_key=True),
    Column("name", KEY, primary_key=True),
    Column("capacity", BigInteger),
)

POLICIES = Table(
    "policies",
    METADATA,
    Column("tenant", KEY, primary_key=True),
    Column("agent", KEY, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", Text),
    Column("text", Text),
    Column("policy", Text),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
)

MODEL_SERVERS = Table(
    "model_servers",
    METADATA,
    Column("tenant", KEY, primary_key=True),
    Column("name", KEY, primary_key=True),
    Column("base_url", Text, nullable=False),
    Column("key_secret", Text, nullable=False),
    Column("prices", Text, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
)

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_hash", KEY, primary_key=True),
    Column("name", Text, nullable=False),
    Column("tenant", KEY, nullable=False),
    Column("role", Text, nullable=False),
    Column("projects", Text, nullable=False),
)
