"""How every wire model behaves."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""64 lower-case hexadecimal digits."""

Line = Annotated[str, StringConstraints(max_length=4096, pattern=r"^[^\x00]*$")]
"""Text for a process: no NUL, of a sane length."""


class WireModel(BaseModel):
    """Frozen; unknown fields and infinite numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
