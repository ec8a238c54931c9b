"""Turn by turn towards a goal, until what must hold holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from actors.specs.agents.frozen import FrozenAction
from actors.specs.agents.goal_page import GoalPage, LeftHosts, target_of
from actors.specs.agents.planner import Planner, Proposal, Situation, Stuck, Turn
from actors.specs.browser_action import Action, Sight
from actors.specs.failure import StepFailed


class NotReached(StepFailed):
    """A goal was given up; `stop` says why in a word."""

    def __init__(self, stop: str, message: str) -> None:
        """The reason, and a sentence for the tester."""
        super().__init__(f"the goal is not reached: {message}")
        self.stop = stop


@dataclass(slots=True)
class Pursuit:
    """One goal, pursued by one planner."""

    page: GoalPage
    planner: Planner
    goal: str
    until: Sequence[Sight]
    most_turns: int
    turns: list[Turn] = field(default_factory=list)
    actions: list[FrozenAction] = field(default_factory=list)
    """Those that were carried out, with what their elements were."""

    def run(self) -> None:
        """Go on until what must hold holds.

        Raises:
            NotReached: turns are spent, or the planner knows no further.
            StepFailed: the page does what it must not, or no time is left.
        """
        if self.page.is_blank and self.page.browsing.context.test.base_url:
            self._turn(Proposal(action=Action(goto="/"), reason="nothing is open yet"))
        view, unmet = self.page.settled(self.until)
        if not unmet:
            raise NotReached(
                "vacuous", "`until` holds before anything was done, so it says nothing"
            )
        while unmet:
            if len(self.turns) >= self.most_turns:
                raise NotReached("turns", f"{self.most_turns} turns are spent; {'; '.join(unmet)}")
            situation = Situation(self.goal, self.page.inputs.names, unmet, view, self.turns)
            proposal = self._proposed(situation)
            if proposal is not None:
                self._turn(proposal)
            view, unmet = self.page.settled(self.until)

    def _proposed(self, situation: Situation) -> Proposal | None:
        """The planner's answer; None where the page changed while it knew none."""
        try:
            return self.planner.next(situation, self.page.browsing.context.left())
        except Stuck as stuck:
            view = situation.view
            if stuck.stop == "stuck" and self.page.changes(view, self.until):
                return self._second_thought(situation)
            raise NotReached(stuck.stop, str(stuck)) from None

    def _second_thought(self, situation: Situation) -> Proposal | None:
        """The page came late: one more question, to which no answer is an answer."""
        view, unmet = self.page.settled(self.until)
        if not unmet:
            return None
        changed = Situation(situation.goal, situation.inputs, unmet, view, self.turns)
        try:
            return self.planner.next(changed, self.page.browsing.context.left())
        except Stuck as stuck:
            raise NotReached(stuck.stop, str(stuck)) from None

    def _turn(self, proposal: Proposal) -> None:
        problem = self.page.refusal(proposal.action)
        if problem:
            self._refuse(proposal, problem)
            return
        try:
            element = None
            target = target_of(self.page.inputs.fill(proposal.action))
            if target is not None:
                located = self.page.locate(target)
                if located.count != 1:
                    told = f"{located.count} elements are {target.words}"
                    raise StepFailed(self.page.inputs.clean(told))
                element = located.fingerprint
            self.page.do(proposal)
        except LeftHosts:
            raise
        except StepFailed as failed:
            self.page.stay()
            self.page.browsing.guard.check()
            self.turns.append(Turn(proposal, self.page.inputs.clean(str(failed))[:500]))
            return
        self.turns.append(Turn(proposal))
        why = proposal.reason
        self.actions.append(FrozenAction(do=proposal.action, why=why, element=element))

    def _refuse(self, proposal: Proposal, problem: str) -> None:
        clean = self.page.inputs.clean
        recorder = self.page.browsing.context.test.recorder
        told = clean(f"refused: {problem}")
        recorder.add("action", clean(proposal.action.words), "skipped", told)
        self.turns.append(Turn(proposal, told))
