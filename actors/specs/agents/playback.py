"""Plays a frozen list of actions, and looks whether each element still means the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from actors.specs.agents.fingerprint import Fingerprint, best_match, differences, fingerprint_of
from actors.specs.agents.frozen import FrozenAction
from actors.specs.agents.goal_page import GoalPage, Located, retargeted, target_of
from actors.specs.agents.naming import named
from actors.specs.agents.planner import Planner, Proposal, Situation, Stuck
from actors.specs.browser_action import Action, Sight
from actors.specs.failure import StepFailed

Drift: TypeAlias = Literal["fail", "report", "heal"]


@dataclass(slots=True)
class Playback:
    """One frozen list on its way."""

    page: GoalPage
    drift: Drift
    until: Sequence[Sight]
    file: str
    """Where the list is kept, for messages."""
    healer: Callable[[], Planner] | None = None
    """Gives who is asked where no element is enough like the one before."""
    asked: Planner | None = None
    """Who was."""
    played: list[FrozenAction] = field(default_factory=list)
    """What was really done."""
    healed: int = 0

    def run(self, actions: Sequence[FrozenAction]) -> None:
        """All actions, then what must hold.

        Raises:
            StepFailed: an action does not fit any more, or what must hold does not.
        """
        for number, frozen in enumerate(actions, 1):
            problem = self.page.refusal(frozen.do) if frozen.do.goto else ""
            if problem:
                raise StepFailed(f"frozen action {number} is refused: {problem}")
            played = self._fitting(number, frozen)
            self.page.do(Proposal(action=played.do, reason=f"frozen: {played.why}"[:300]))
            self.played.append(played)
        if self.page.unmet(self.until):
            _, unmet = self._awaited()
            if unmet:
                raise StepFailed(
                    f"the frozen actions of {self.file} were done, but {'; '.join(unmet)}"
                )

    def _awaited(self) -> tuple[object, Sequence[str]]:
        now = self.page.browsing.context.test.clock.monotonic
        latest = now() + self.page.browsing.patience
        while (unmet := self.page.unmet(self.until)) and now() < latest:
            self.page.pause()
        return None, unmet

    def _fitting(self, number: int, frozen: FrozenAction) -> FrozenAction:
        """The action as it can be done now.

        Raises:
            StepFailed: it cannot, or may not be changed.
        """
        target = target_of(self.page.inputs.fill(frozen.do))
        if target is None:
            return frozen
        located = self.page.locate(target)
        told = _drift(frozen.element, located)
        if not told:
            return frozen
        words = self.page.inputs.clean(frozen.do.words)
        if self.drift == "heal" and frozen.element is not None:
            return self._healed(number, frozen, frozen.element, told)
        if self.drift == "report" and located.count == 1:
            self._find("drift", f"action {number} ({words})", told)
            return frozen
        raise StepFailed(
            f"frozen action {number} ({words}) does not fit any more: {told}; if the change is "
            f"meant, remove the goal from {self.file} and it is planned anew"
        )

    def _healed(
        self, number: int, frozen: FrozenAction, before: Fingerprint, told: str
    ) -> FrozenAction:
        words = self.page.inputs.clean(frozen.do.words)
        view = self.page.view()
        match, why = best_match(before, view)
        if match is not None:
            action = retargeted(frozen.do, named(view, match.node))
            after = fingerprint_of(view, match.node, tag=before.tag, test_id="")
            how = f"score {match.score:.2f}"
        else:
            action, after = self._asked(frozen, before, f"{told}; cannot be healed: {why}", number)
            how = f"by {self.asked.name}" if self.asked else ""
        self.healed += 1
        change = f"before {before.words}; after {after.words} ({how}); {told}"
        self._find("healed", f"action {number} ({words})", change)
        return FrozenAction(do=action, why=frozen.why, element=after)

    def _asked(
        self, frozen: FrozenAction, before: Fingerprint, told: str, number: int
    ) -> tuple[Action, Fingerprint]:
        """Another planner's element, for the same kind of action.

        Raises:
            StepFailed: there is none.
        """
        unhealed = StepFailed(f"frozen action {number} ({frozen.do.words}): {told}")
        if self.healer is None:
            raise unhealed
        self.asked = self.asked or self.healer()
        goal = f"Do only this, on the element that is {before.words}: {frozen.do.words}"
        situation = Situation(goal, self.page.inputs.names, [told], self.page.view())
        try:
            proposal = self.asked.next(situation, self.page.browsing.context.left())
        except Stuck as stuck:
            raise StepFailed(f"{unhealed}; {stuck}") from None
        if proposal.action.model_fields_set != frozen.do.model_fields_set:
            raise unhealed
        target = target_of(proposal.action)
        if target is None or self.page.refusal(proposal.action):
            raise unhealed
        located = self.page.locate(target)
        if located.count != 1 or located.fingerprint is None:
            raise unhealed
        plain = target.model_dump(exclude_unset=True, exclude={"value"})
        return retargeted(frozen.do, plain), located.fingerprint

    def _find(self, kind: str, what: str, told: str) -> None:
        """A finding that nobody can overlook: a step of its own and a property of the attempt."""
        test = self.page.browsing.context.test
        test.recorder.add(kind, what, "passed", told)
        test.findings.append((f"ath.{kind}", f"{what}: {told}"[:1000]))


def _drift(before: Fingerprint | None, now: Located) -> str:
    if now.count == 0:
        return "its element is missing"
    if now.count > 1:
        return f"{now.count} elements are like that"
    if before is None or now.fingerprint is None:
        return ""
    return "; ".join(differences(before, now.fingerprint))
