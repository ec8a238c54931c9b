"""Chance without chance."""

from itertools import count


class FakeEntropy:
    """Counts; two of different `name` never make the same id."""

    def __init__(self, name: str = "") -> None:
        """Ids begin with the name."""
        self._name = name
        self._numbers = count(1)

    def new_id(self) -> str:
        """Such as 00000000000000000000000001; later ones sort after earlier ones."""
        width = 26 - len(self._name)
        return f"{self._name}{next(self._numbers):0{width}d}"

    def secret(self) -> str:
        """Unlike every other, and no secret at all."""
        return f"{self.new_id():x>43}"
