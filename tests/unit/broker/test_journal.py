"""What stands in a journal, and what happens when it is full."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from actors.broker.journal import ROOM_TO_END_BYTES, Journal
from harness.domain.decision import Denial, refused
from harness.domain.redaction import Redactor
from harness.errors import QuotaExceeded
from harness.events.effect import Effect, EffectKind
from tests.fakes.clock import FakeClock

ASK = Effect(EffectKind.LLM, "far/a", {"messages": [{"role": "user", "content": "Hi"}]})


def entries(journal: Journal) -> list[Any]:
    return [json.loads(line) for line in journal.read(0, 1 << 20).splitlines()]


def test_an_effect_is_written_before_and_after(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = Journal(tmp_path / "journal", clock)
    number = journal.begin(ASK)
    (asked,) = entries(journal)
    assert (asked["n"], asked["what"], asked["kind"], asked["name"]) == (1, "asked", "llm", "far/a")
    assert asked["args"] == ASK.args
    assert asked["args_hash"] == ASK.args_hash
    clock.advance(2.5)
    journal.end(number, {"status": 200})
    assert entries(journal)[1] == {
        "n": 1, "what": "answered", "seconds": 2.5, "result": {"status": 200}
    }  # fmt: skip
    journal.end(number, {"status": 500})
    assert len(entries(journal)) == 2
    journal.close()
    assert not (tmp_path / "journal").exists()
    assert journal.read(0, 10) == b""


def test_a_refusal_says_why(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", FakeClock())
    journal.refuse(ASK, refused(Denial.MODEL, "no policy names it"))
    (told,) = entries(journal)
    assert (told["what"], told["denial"], told["reason"]) == (
        "refused", "model", "no policy names it"
    )  # fmt: skip
    journal.close()


def test_no_secret_gets_in_and_the_hash_gives_none_away(tmp_path: Path) -> None:
    redactor = Redactor.of({"KEY": "s3cr3t-value"})
    journal = Journal(tmp_path / "journal", FakeClock(), redactor)
    effect = Effect(EffectKind.TOOL, "say s3cr3t-value", {"text": "it is s3cr3t-value"})
    number = journal.begin(effect)
    journal.end(number, {"said": "s3cr3t-value"})
    journal.refuse(effect, refused(Denial.TOOL, "s3cr3t-value"))
    assert b"s3cr3t" not in journal.read(0, 1 << 20)
    assert entries(journal)[0]["args_hash"] != effect.args_hash
    journal.close()


def test_what_does_not_fit_may_not_happen(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", FakeClock(), most_bytes=ROOM_TO_END_BYTES + 1000)
    numbers = [journal.begin(ASK) for _ in range(3)]
    with pytest.raises(QuotaExceeded, match="takes no further effect"):
        [journal.begin(ASK) for _ in range(3)]
    for number in numbers:
        journal.end(number, {"status": 200})
    assert sum(entry["what"] == "answered" for entry in entries(journal)) == len(numbers)
    journal.close()


def test_a_journal_that_cannot_be_written_stops_everything(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", FakeClock())
    number = journal.begin(ASK)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._handle)
    os.close(full)
    journal.end(number, {})
    with pytest.raises(QuotaExceeded, match="cannot be written"):
        journal.begin(ASK)
    journal.close()


@pytest.mark.parametrize("value", [2**60, "\ud800", 1.5])
def test_every_json_has_a_hash(value: Any) -> None:
    one, two = (Effect(EffectKind.TOOL, "a", {"x": each}) for each in (value, [value]))
    assert one.args_hash != two.args_hash
