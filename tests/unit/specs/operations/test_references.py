"""What a description refers to becomes part of it; nothing is fetched later."""

from collections.abc import Callable

import pytest

from actors.specs.failure import StepFailed
from actors.specs.operations.references import MOST_DOCUMENTS, Bundle


def reader(documents: dict[str, dict[str, object]]) -> Callable[[str], dict[str, object]]:
    def read(address: str) -> dict[str, object]:
        if address not in documents:
            raise StepFailed(f"{address} must not be read")
        return documents[address]

    return read


def test_other_documents_become_part_of_the_whole() -> None:
    whole = Bundle(
        reader(
            {
                "file:///s/api.yaml": {
                    "own": {"$ref": "#/x"},
                    "other": {"$ref": "parts/a.yaml#/A"},
                    "same": {"$ref": "./parts/a.yaml"},
                },
                "file:///s/parts/a.yaml": {
                    "A": {"$ref": "#/B"},
                    "B": {"$ref": "../api.yaml#/own"},
                    "C": {"$ref": "b.yaml#/D"},
                },
                "file:///s/parts/b.yaml": {"D": {"$ref": "a.yaml#/A"}},
            }
        )
    ).whole("file:///s/api.yaml")
    assert whole == {
        "own": {"$ref": "#/x"},
        "other": {"$ref": "#/x-ath-documents/0/A"},
        "same": {"$ref": "#/x-ath-documents/0"},
        "x-ath-documents": {
            "0": {
                "A": {"$ref": "#/x-ath-documents/0/B"},
                "B": {"$ref": "#/own"},
                "C": {"$ref": "#/x-ath-documents/1/D"},
            },
            "1": {"D": {"$ref": "#/x-ath-documents/0/A"}},
        },
    }


def test_what_must_not_be_read_is_not_read() -> None:
    for reference in ("/etc/passwd", "http://elsewhere/a#/b", "//elsewhere/a", "data:,{}"):
        bundle = Bundle(reader({"file:///s/api": {"paths": {"$ref": reference}}}))
        with pytest.raises(StepFailed, match="must not be read"):
            bundle.whole("file:///s/api")


def test_property_that_is_called_ref_is_no_reference() -> None:
    document: dict[str, object] = {"properties": {"$ref": {"type": "string"}}}
    assert Bundle(reader({"file:///a": document})).whole("file:///a") == {
        "properties": {"$ref": {"type": "string"}}
    }


def test_what_schemathesis_would_fetch_is_left_out() -> None:
    document: dict[str, object] = {
        "example": {"externalValue": "http://elsewhere/"},
        "schema": {"$schema": "file:///etc/passwd"},
        "known": {"$schema": "https://json-schema.org/draft/2020-12/schema"},
    }
    whole = Bundle(reader({"file:///a": document})).whole("file:///a")
    assert whole == {
        "example": {},
        "schema": {},
        "known": {"$schema": "https://json-schema.org/draft/2020-12/schema"},
    }


def test_endless_chain_of_documents_is_cut() -> None:
    def read(address: str) -> dict[str, object]:
        return {"$ref": f"{address}1"}

    with pytest.raises(StepFailed, match=f"more than {MOST_DOCUMENTS} documents"):
        Bundle(read).whole("file:///a")
