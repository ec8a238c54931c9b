"""Budgets that are reserved before a call and settled after it, so that they never run over."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from harness.errors import Conflict, InvalidInput, QuotaExceeded

MOST = 10**15
MOST_OPEN = 10_000
"""Reservations of one account at a time."""


class Measure(StrEnum):
    """What a budget limits."""

    TOKENS = "tokens"
    COST = "cost_millionths"
    """Millionths of the installation's currency."""
    TURNS = "turns"
    WALL = "wall_milliseconds"
    REQUESTS = "requests"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits; a measure that is not named has none."""

    limits: Mapping[Measure, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what nobody can mean."""
        for measure, limit in self.limits.items():
            _check(measure, limit)

    def meet(self, other: Self) -> Self:
        """The lower limit of each measure."""
        limits = dict(self.limits)
        for measure, limit in other.limits.items():
            limits[measure] = min(limit, limits.get(measure, limit))
        return replace(self, limits=limits)


@dataclass(frozen=True, slots=True)
class Account:
    """A budget, what of it is spent, and what is promised to calls that have not ended."""

    budget: Budget
    spent: Mapping[Measure, int] = field(default_factory=dict)
    reserved: Mapping[str, Mapping[Measure, int]] = field(default_factory=dict)
    """By the call's name."""

    def left(self, measure: Measure) -> int | None:
        """What may still be reserved, never below 0; None without limit."""
        limit = self.budget.limits.get(measure)
        return None if limit is None else max(0, limit - self._taken(measure))

    def reserve(self, call: str, amounts: Mapping[Measure, int]) -> Self:
        """The account with all of these promised to a call, before it begins.

        Raises:
            QuotaExceeded: one of them is not there; nothing is reserved.
            Conflict: the call has a reservation.
        """
        if call in self.reserved:
            raise Conflict(f"The call {call} has a reservation; settle or release it first.")
        if len(self.reserved) >= MOST_OPEN:
            raise QuotaExceeded(f"{MOST_OPEN} calls are under way; wait until one has ended.")
        for measure, amount in amounts.items():
            _check(measure, amount)
            left = self.left(measure)
            if left is not None and amount > left:
                raise QuotaExceeded(
                    f"The budget has {left} of {self.budget.limits[measure]} {measure} left, "
                    f"and the call may need {amount}."
                )
        return replace(self, reserved={**self.reserved, call: dict(amounts)})

    def settle(self, call: str, used: Mapping[Measure, int]) -> Self:
        """The account after a call that used this; more than it had reserved counts in full.

        Raises:
            Conflict: the call has no reservation.
        """
        released = self.release(call)
        for measure, amount in used.items():
            _check(measure, amount)
        measures = {*self.spent, *used}
        spent = {each: self.spent.get(each, 0) + used.get(each, 0) for each in measures}
        return replace(released, spent=spent)

    def release(self, call: str) -> Self:
        """The account after a call that did not happen.

        Raises:
            Conflict: the call has no reservation.
        """
        if call not in self.reserved:
            raise Conflict(f"The call {call} has no reservation; it was settled or never made.")
        others = {name: amounts for name, amounts in self.reserved.items() if name != call}
        return replace(self, reserved=others)

    def _taken(self, measure: Measure) -> int:
        promised = sum(amounts.get(measure, 0) for amounts in self.reserved.values())
        return self.spent.get(measure, 0) + promised


def _check(measure: Measure, amount: int) -> None:
    if not 0 <= amount <= MOST:
        raise InvalidInput(f"{measure} cannot be {amount}; use 0 to {MOST}.")
