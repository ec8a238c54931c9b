"""One side of the data benchmark in this process: `python -m benchmarks.data_side SIDE TABLE`."""

import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks import orders

WORKERS = 2
STORE = 100 << 20

Row = tuple[str, int]
"""What a row fails, and its number from 0."""


def main() -> int:
    """Validate, and print seconds, failing rows and their digest."""
    side, table = sys.argv[1], Path(sys.argv[2])
    failing, seconds = by_pandera(table) if side == "pandera" else by_platform(side, table)
    rows = sorted(set(failing))
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    told = {"seconds": seconds, "cpu": time.process_time(), "rows": len(rows)}
    print(json.dumps({**told, "failing": digest[:16]}))
    return 0


def by_pandera(table: Path) -> tuple[Iterable[Row], float]:
    """Pandas reads the whole table, Pandera checks it."""
    import pandas as pd
    from pandera.errors import SchemaErrors

    schema = orders.schema()
    started = time.perf_counter()
    try:
        schema.validate(pd.read_parquet(table), lazy=True)
        cases = pd.DataFrame(columns=["schema_context", "column", "check", "index"])
    except SchemaErrors as errors:
        cases = errors.failure_cases
    seconds = time.perf_counter() - started
    whole = cases["schema_context"] == "DataFrameSchema"
    columns = cases["column"].where(~whole, "(row)")
    unique = cases["check"] == "field_uniqueness"
    named = columns.where(~unique, "(unique)")
    return zip(named, cases["index"].astype(int), strict=True), seconds


def by_platform(side: str, table: Path) -> tuple[Iterable[Row], float]:
    """The platform's validation, of the schema or of the same checks declared."""
    import pyarrow.parquet as pq

    from actors.data.rules import RuleSet
    from actors.data.validation import Validator

    document = {"source": {"parquet": table.name}, "kept": 100_000}
    schema = None if side == "rules" else orders.schema()
    rules = RuleSet.model_validate({**document, **(orders.rules() if side == "rules" else {})})
    artifact = table.with_name(f"failing-{side}.parquet")
    with _scheduler(side):
        started = time.perf_counter()
        report = Validator(table.parent).validate(rules, schema=schema, artifact=artifact)
        seconds = time.perf_counter() - started
    failing = pq.read_table(artifact, columns=["rule", "row"]).to_pylist() if report.broken else []
    return ((_what(row["rule"]), row["row"] - 1) for row in failing), seconds


@contextlib.contextmanager
def _scheduler(side: str) -> Iterator[None]:
    if side != "ray":
        yield
        return
    import ray

    from actors.data.scheduling import on_ray

    ray.init(
        num_cpus=WORKERS, include_dashboard=False, object_store_memory=STORE, log_to_driver=False
    )
    try:
        ray.get([ray.remote(_warmed).remote() for _ in range(WORKERS)])
        with on_ray():
            yield
    finally:
        ray.shutdown()


def _warmed() -> None:
    """Has a worker import what it needs, as those of a running cluster have."""
    import actors.data.validation  # noqa: F401

    time.sleep(1)  # one task for each worker


def _what(rule: str) -> str:
    """The column that a rule is about, in the words of both sides."""
    if rule.endswith(".unique"):
        return "(unique)"
    if rule.startswith("rows.") or rule == "schema.shipped_after_ordered":
        return "(row)"
    return rule.split(".")[1]


if __name__ == "__main__":
    raise SystemExit(main())
