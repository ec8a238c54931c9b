"""What a browser test leaves behind holds no secret."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from actors.specs import traces
from actors.specs.redaction import Redactor
from actors.specs.traces import redact_traces


@pytest.fixture
def redactor() -> Redactor:
    made = Redactor()
    made.register("KEY", 'open "sesame"')
    return made


def a_trace(path: Path, **entries: bytes) -> Path:
    with ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def test_secret_is_taken_out_of_a_trace(tmp_path: Path, redactor: Redactor) -> None:
    picture = bytes(range(256))
    escaped = b'{"value": "open \\"sesame\\""}\n'
    (tmp_path / "inner").mkdir()
    trace = a_trace(tmp_path / "inner" / "trace.zip", trace=escaped, picture=picture)
    redact_traces(tmp_path, redactor)
    with ZipFile(trace) as archive:
        assert archive.read("trace") == b'{"value": "[secret KEY]"}\n'
        assert archive.read("picture") == picture
    assert [path.name for path in trace.parent.iterdir()] == ["trace.zip"]


def test_secret_is_taken_out_of_a_har(tmp_path: Path, redactor: Redactor) -> None:
    (tmp_path / "network.har").write_text('GET /?key=open%20%22sesame%22 "x"')
    redact_traces(tmp_path, redactor)
    assert (tmp_path / "network.har").read_text() == 'GET /?key=[secret KEY] "x"'


@pytest.mark.parametrize("limit", [10, 1 << 20])
def test_trace_that_cannot_be_cleaned_is_removed(
    limit: int, tmp_path: Path, redactor: Redactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "MOST_BYTES", limit)
    trace = a_trace(tmp_path / "trace.zip", trace=b"x" * 20)
    if limit > 10:
        trace.write_bytes(trace.read_bytes()[:-10])
    redact_traces(tmp_path, redactor)
    assert list(tmp_path.iterdir()) == []
