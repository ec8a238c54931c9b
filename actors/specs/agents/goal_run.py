"""One goal of one test: played from its frozen list, or planned, and then frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from actors.specs.agents.frozen import (
    FrozenAction,
    FrozenFile,
    FrozenGoal,
    artifact_name,
    frozen_path,
    goal_digest,
    hidden,
    read_frozen,
)
from actors.specs.agents.goal_page import GoalPage
from actors.specs.agents.inputs import Inputs
from actors.specs.agents.model_planner import ModelAccess, ModelPlanner
from actors.specs.agents.planner import Planner
from actors.specs.agents.playback import Playback
from actors.specs.agents.pursuit import NotReached, Pursuit
from actors.specs.agents.word_planner import WordPlanner

if TYPE_CHECKING:
    from actors.specs.browser_actions import Browsing
    from actors.specs.steps.goal import GoalStep

FREEZE = "ATH_FREEZE"
"""Set to 1, reached goals are written beside their specs at once."""


@dataclass(frozen=True, slots=True)
class GoalRun:
    """One try of one step."""

    step: "GoalStep"
    browsing: "Browsing"
    page: GoalPage
    key: str
    """Names the goal among those of its spec."""

    @classmethod
    def of(cls, step: "GoalStep", browsing: "Browsing") -> "GoalRun":
        """The step on its test's page."""
        context = browsing.context
        number = context.step_id or str(len(context.test.recorder.steps))
        page = GoalPage.of(browsing, Inputs(step.inputs, context.test.recorder.redactor.text))
        return cls(step, browsing, page, f"{context.test.name}/{number}")

    def run(self) -> None:
        """Reach it.

        Raises:
            StepFailed: it is not reached.
        """
        frozen = self._frozen()
        with self.page.kept():
            if frozen is None:
                self._plan()
            else:
                self._play(frozen)

    @property
    def _goal(self) -> str:
        return self.page.inputs.hide(self.step.do)

    @property
    def _digest(self) -> str:
        return goal_digest(self._goal, self.page.inputs.names)

    @property
    def _file(self) -> Path:
        test = self.browsing.context.test
        return frozen_path(test.spec or test.folder / "spec.ath.yaml")

    def _frozen(self) -> FrozenGoal | None:
        """Its list, if there is one that was made for this goal."""
        file = read_frozen(self._file)
        found = file.goals.get(self.key) if file else None
        if found is not None and found.goal != self._digest:
            told = f"the frozen list in {self._file.name} is stale: the goal or its inputs changed"
            self.browsing.context.note(f"{told}; planned anew")
            return None
        return found

    def _play(self, frozen: FrozenGoal) -> None:
        healer = self._planner if self.step.model and self.step.drift == "heal" else None
        playback = Playback(self.page, self.step.drift, self.step.until, self._file.name, healer)
        try:
            playback.run(frozen.actions)
        finally:
            self.browsing.context.note(
                f"played {len(playback.played)} of {len(frozen.actions)} frozen actions, "
                f"{playback.healed} healed{_cost(playback.asked)}"
            )
        if playback.healed:
            self._freeze(playback.played, frozen.planner)

    def _plan(self) -> None:
        planner = self._planner()
        pursuit = Pursuit(self.page, planner, self._goal, self.step.until, self.step.most_turns)
        stop = "failed"
        try:
            pursuit.run()
            stop = "reached"
        except NotReached as given_up:
            stop = given_up.stop
            raise
        finally:
            turns = f"{len(pursuit.turns)} turn{'s' if len(pursuit.turns) != 1 else ''}"
            self.browsing.context.note(
                f"stopped: {stop} after {turns}; planned by {planner.name}{_cost(planner)}"
            )
        self._freeze(pursuit.actions, planner.name)

    def _planner(self) -> Planner:
        if self.step.model is None:
            return WordPlanner()
        test = self.browsing.context.test
        access = ModelAccess.of(test.environ, test.config, self.step.model)
        test.recorder.redactor.register("ATH_MODEL_TOKEN", access.token)
        return ModelPlanner(self.step.model, access)

    def _freeze(self, actions: Sequence[FrozenAction], planner: str) -> None:
        """Keep the list with the test's other files, and beside the spec if that is wanted."""
        test = self.browsing.context.test
        spec = test.spec or test.folder / "spec.ath.yaml"
        goal = FrozenGoal(goal=self._digest, planner=planner, actions=list(actions))
        kept = {self.key: hidden(goal, self.page.inputs.clean)}
        place = spec.relative_to(test.root) if spec.is_relative_to(test.root) else spec
        file = FrozenFile(spec=place.as_posix(), goals=kept)
        name, _, number = self.key.rpartition("/")
        folder = Path(test.fixture("output_path")) / "frozen"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / artifact_name(spec, name, number)).write_text(file.text(), encoding="utf-8")
        if test.environ.get(FREEZE) == "1":
            before = read_frozen(self._file)
            self._file.write_text((before or file).with_goals(kept).text(), encoding="utf-8")


def _cost(planner: Planner | None) -> str:
    if planner is None or not planner.spent.requests:
        return ""
    spent = planner.spent
    return (
        f"; {spent.requests} requests, {spent.prompt_tokens} tokens in, "
        f"{spent.completion_tokens} out"
    )
