"""Telling a sleeper that there is work, when waiting for its next look would take too long."""

from typing import Protocol


class Doorbell(Protocol):
    """Lossy by contract: whoever listens also looks by itself now and then."""

    def ring(self) -> None:
        """Wake the listener; never blocks, never raises."""
        ...


class SilentDoorbell:
    """For places where nobody listens."""

    def ring(self) -> None:
        """Do nothing."""
