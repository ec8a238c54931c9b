"""What models cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens, in millionths of the installation's currency."""

    prompt: int = 0
    completion: int = 0

    def of(self, prompt: int, completion: int) -> int:
        """What so many tokens cost, rounded up."""
        return -(-(prompt * self.prompt + completion * self.completion) // 1_000_000)
