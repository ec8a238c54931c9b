"""A Failure's signature: its exact key, its features, and a line for people."""

import hashlib
import math
import re
from collections.abc import Iterator, Sequence

from harness.domain.attempt import Failure
from harness.domain.failure_cluster import FailureSignature
from harness.domain.failure_text import name_parts, normalised, words
from harness.domain.ids import TestId
from harness.domain.stack import FrameKey, frame_keys

ALGORITHM = "signature-1"
TITLE_CHARACTERS = 160
PLACE_CHARACTERS = 60

# Chosen on labelled failures of Java and Python projects; see `python -m benchmarks.clustering`.
FRAME = 1.0
PART = 1.0
LIBRARY = 0.5
DECAY = 0.4
EXCEPTION = 0.7
WORDS = 1.6
TEST = 0.5
# An assertion fails in the test itself: its frames say little, which test it is says much.
ASSERTED_TEST = 2.0
ASSERTED_SUITE = 1.0

_ASSERTION = re.compile("assert|comparison", re.IGNORECASE)
_LINES = re.compile(r"[^\r\n]+")
_TEST_NAMES = re.compile(r"[A-Za-z_]\w*")


def sign(failure: Failure, test_id: TestId) -> FailureSignature:
    """The signature of what failed in a test; the same for the same input, on any machine.

    Costs time in proportion to the input's bounded part: 1,500 characters and 25 frames.
    """
    frames = frame_keys(failure.frames)
    exception = failure.exception[:200].rpartition(".")[2]
    text = normalised(_without_exception(failure))
    return FailureSignature(
        key=_key(exception, text, frames, test_id),
        title=_title(exception, failure, frames),
        features=_unit(_features(exception, text, frames, test_id)),
        algorithm=ALGORITHM,
    )


def _key(exception: str, text: str, frames: Sequence[FrameKey], test_id: TestId) -> str:
    where = [frame.whole for frame in frames] or [_bare(test_id)]
    whole = "\n".join((ALGORITHM, exception, text, *where))
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:32]


def _features(
    exception: str, text: str, frames: Sequence[FrameKey], test_id: TestId
) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, weight in _all_features(exception, text, frames, test_id):
        found[name] = max(weight, found.get(name, 0.0))
    return found


def _all_features(
    exception: str, text: str, frames: Sequence[FrameKey], test_id: TestId
) -> Iterator[tuple[str, float]]:
    yield f"exception {exception}", EXCEPTION
    for position, frame in enumerate(frames):
        weight = (LIBRARY if frame.is_library else 1.0) / (1 + DECAY * position)
        yield f"frame {frame.whole}", FRAME * weight
        yield from ((f"code {part}", PART * weight) for part in _parts(frame))
    asserted = bool(_ASSERTION.search(exception))
    yield from _spread("word", words(text), WORDS)
    yield from _spread("test", _test_words(test_id), ASSERTED_TEST if asserted else TEST)
    if asserted:
        yield f"suite {_suite(test_id)}", ASSERTED_SUITE


def _spread(kind: str, names: Sequence[str], weight: float) -> Iterator[tuple[str, float]]:
    """However many there are, together they have this weight."""
    yield from ((f"{kind} {name}", weight / math.sqrt(len(names))) for name in names)


def _parts(frame: FrameKey) -> Iterator[str]:
    if frame.package:
        yield frame.package
    if frame.owner:
        yield f"{frame.package}.{frame.owner}"
    yield frame.function


def _test_words(test_id: TestId) -> list[str]:
    names = _TEST_NAMES.findall(_bare(test_id))
    found = dict.fromkeys(part for name in names for part in name_parts(name))
    return [word for word in found if word not in {"test", "tests", "py"}][-12:]


def _suite(test_id: TestId) -> str:
    """The class or file that the test stands in."""
    bare = _bare(test_id)
    return bare.rpartition("::" if "::" in bare else ".")[0] or bare


def _bare(test_id: TestId) -> str:
    """The test without its parameters."""
    return test_id[:500].partition("[")[0]


def _unit(features: dict[str, float]) -> dict[str, float]:
    length = math.sqrt(math.fsum(weight * weight for weight in features.values()))
    return {name: weight / length for name, weight in features.items()}


def _without_exception(failure: Failure) -> str:
    """The message alone: most runners print the exception's name before it."""
    message = failure.message[:2000].lstrip()
    for name in (failure.exception, failure.exception.rpartition(".")[2]):
        if name and message.startswith(name):
            return message[len(name) :].lstrip(": ")
    return message


def _title(exception: str, failure: Failure, frames: Sequence[FrameKey]) -> str:
    line = _LINES.search(_without_exception(failure))
    said = " ".join(line.group().split()) if line else ""
    what = f"{exception}: {said}" if said and exception else said or exception or "Failure"
    place = next((frame.short for frame in frames if not frame.is_library), "")
    place = place if len(place) <= PLACE_CHARACTERS else f"…{place[1 - PLACE_CHARACTERS :]}"
    where = f" — in {place}" if place else ""
    return _cut(what, TITLE_CHARACTERS - len(where)) + where


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1].rstrip()}…"
