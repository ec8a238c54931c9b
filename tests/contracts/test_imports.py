"""Imports over every record store: whatever a report holds can be stored, and only once."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.domain.ids import TenantId
from harness.domain.imported_run import ImportOrder
from harness.domain.principal import Principal, Role
from harness.domain.run import Run
from harness.domain.scope import DEFAULT_SCOPE
from harness.events.envelope import verify_chain
from harness.ports.doorbell import SilentDoorbell
from harness.ports.entropy import SystemEntropy
from harness.services.analytics import Analytics
from harness.services.imports import Imports
from harness.stores.file_artifacts import FileArtifacts
from harness.stores.sql.records import SqlRecords

ANN = Principal("ann", TenantId("default"), Role.MEMBER)
NASTY = "\x00\ud800\u202e\x1b[2J😀" + "é" * 5_000
HOSTILE = json.dumps(
    {
        "results": {
            "tool": {"name": NASTY},
            "tests": [
                {
                    "name": f"{n}{NASTY}",
                    "status": "failed",
                    "message": NASTY,
                    "trace": f'  File "{NASTY}", line 99999999999999, in {NASTY}',
                    "filePath": NASTY,
                    "line": 1e300,
                    "duration": 1e300,
                    "tags": [NASTY],
                }
                for n in range(3)
            ],
        }
    }
)


def take(records: SqlRecords, folder: Path, content: str, key: str | None = None) -> Run:
    artifacts = FileArtifacts(folder / "artifacts")
    digest, _ = artifacts.put(DEFAULT_SCOPE, io.BytesIO(content.encode()), max_bytes=1 << 20)
    imports = Imports(records, artifacts, SystemEntropy(), SilentDoorbell())
    return imports.accept(DEFAULT_SCOPE, ImportOrder(digest, name="r.json"), ANN, key)


def test_any_text_is_stored_and_judged(records: SqlRecords, tmp_path: Path) -> None:
    run = take(records, tmp_path, HOSTILE)
    events = records.outbox(100)
    assert verify_chain(events) == run.chain_head
    Analytics(records, SystemEntropy()).on_events(events)
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert tx.assessments.of_run(run.id) is not None
        assert len(tx.failures.of_run(run.id)) == 3
        assert len({case.id for case in tx.tests.of_run(run.id)}) == 3


def test_imports_side_by_side_with_one_key_are_one_run(records: SqlRecords, tmp_path: Path) -> None:
    (tmp_path / "artifacts").mkdir()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: take(records, tmp_path, HOSTILE, "k"), range(4)))
    assert len({run.id for run in found}) == 1
    with records.transaction(DEFAULT_SCOPE) as tx:
        assert [run.id for run in tx.runs.page()] == [found[0].id]
