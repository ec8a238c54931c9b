"""The JSON Schema of specs, for editors."""

from typing import Any

from actors.specs.spec import Spec

ADDRESS = "docs/spec.schema.json"
"""Where the project keeps a copy."""


def json_schema() -> dict[str, Any]:  # Any: JSON Schema
    """The schema of one `*.ath.yaml`."""
    found = Spec.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **found,
        "title": "Spec of the AI test harness (*.ath.yaml)",
    }
