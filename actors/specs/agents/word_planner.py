"""A planner without a model: matches a goal's words with the page's elements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from actors.specs.agents.clauses import Clause, read_clauses
from actors.specs.agents.naming import named
from actors.specs.agents.page_node import PageNode
from actors.specs.agents.page_view import PageView
from actors.specs.agents.planner import Proposal, Situation, Spent, Stuck
from actors.specs.agents.ranking import FIELDS, Ranked, ranked, stems
from actors.specs.browser_action import Action

_PASSWORD = frozenset({"password", "passwd", "passphrase", "pw", "pin"})
_USER = frozenset({"email", "user", "login", "name", "account", "signin"})
_ENTERS = tuple(
    Clause("click", "log in", words=words)
    for words in (("log", "in"), ("sign", "in"), ("login",), ("submit",), ("continue",), ("next",))
)
_WHOLE_FORM = frozenset({"form", "field", "fields", "details", "everything"})


@dataclass(slots=True)
class WordPlanner:
    """Does one clause of the goal after the other, and says so when it does not understand."""

    name: str = "words"
    spent: Spent = field(default_factory=Spent)
    _waiting: list[Clause] | None = None
    _last: tuple[Clause, PageNode | None] | None = None
    _failed: set[tuple[str, str, str]] = field(default_factory=set)

    def next(self, situation: Situation, seconds: float) -> Proposal:
        """The next action.

        Raises:
            Stuck: no element fits a clause, several fit alike, or nothing is left to do.
        """
        del seconds  # it takes milliseconds
        waiting = self._begun(situation)
        while waiting:
            clause = waiting.pop(0)
            try:
                expanded = _expanded(clause, situation)
                if expanded is not None:
                    waiting[:0] = expanded
                    continue
                proposal = self._proposed(clause, situation.view, waiting)
            except Stuck:
                # The page may still be on its way: the same is asked again.
                waiting.insert(0, clause)
                raise
            if proposal is not None:
                return proposal
        done = "every part of the goal was done" if situation.turns else "the goal names nothing"
        raise Stuck(f"{done}, but {'; '.join(situation.unmet) or 'it is not reached'}")

    def _begun(self, situation: Situation) -> list[Clause]:
        if self._waiting is None:
            self._waiting = list(read_clauses(situation.goal, situation.inputs))
        if situation.turns and situation.turns[-1].problem and self._last:
            clause, node = self._last
            if node is None:
                raise Stuck(f"{clause.text!r} could not be done: {situation.turns[-1].problem}")
            self._failed.add(_key(situation.view, node))
            self._waiting.insert(0, clause)
        return self._waiting

    def _proposed(self, clause: Clause, view: PageView, waiting: list[Clause]) -> Proposal | None:
        if clause.kind == "press":
            self._last = (clause, None)
            return _proposal({"press": {"key": clause.value}}, clause)
        best = self._best(clause, view)
        if best is None:
            return None
        self._last = (clause, best.node)
        rest = _rest(clause, best)
        if rest is not None:
            waiting.insert(0, rest)
        return _proposal(_act(clause, view, best.node), clause)

    def _best(self, clause: Clause, view: PageView) -> Ranked | None:
        """The element for a clause; None where nothing need be done.

        Raises:
            Stuck: none fits, or several do.
        """
        found = [
            each for each in _candidates(clause, view) if _key(view, each.node) not in self._failed
        ]
        if not found:
            if clause.is_rest:
                return None
            raise Stuck(f"nothing on the page fits {clause.text!r}; it has {_listed(view)}")
        if len(found) > 1 and found[0].score == found[1].score:
            if clause.is_rest:
                return None
            both = " and ".join(_worded(view, each.node) for each in found[:2])
            raise Stuck(f"{clause.text!r} fits {both} alike; say which one")
        return found[0]


def _candidates(clause: Clause, view: PageView) -> Sequence[Ranked]:
    if clause.kind == "log in":
        for enter in _ENTERS:
            found = [
                each
                for each in ranked(enter, view)
                if set(stems(" ".join(enter.words))) <= each.used
            ]
            if found:
                return found[:1]
        return ()
    found = list(ranked(clause, view))
    if clause.kind == "select" and not found:
        return _holders(clause, view) or ranked(
            replace(clause, kind="click", words=tuple(stems(clause.value))), view
        )
    return found


def _holders(clause: Clause, view: PageView) -> Sequence[Ranked]:
    """Lists with such an option."""
    wanted = stems(clause.value)
    return [
        Ranked(each, 1.0, frozenset())
        for each in view.used
        if each.role in {"combobox", "listbox"}
        and any(
            node.role == "option" and each in node.parents and stems(node.name) == wanted
            for node in view.nodes
        )
    ]


def _expanded(clause: Clause, situation: Situation) -> Sequence[Clause] | None:
    """What a clause consists of; None where it is one thing to do."""
    if clause.kind == "fill" and not clause.value:
        if set(clause.words) & _WHOLE_FORM and situation.inputs:
            return [_filling(name, clause) for name in situation.inputs]
        raise Stuck(f"{clause.text!r} does not say what to fill in: a quoted text or an input")
    if clause.kind != "log in" or clause.is_rest:
        return None
    view = situation.view
    secret = next((each for each in view.used if set(stems(each.label)) & _PASSWORD), None)
    if secret is None:
        if clause.is_opened or not _candidates(clause, view):
            raise Stuck(f"there is nothing to log in with; the page has {_listed(view)}")
        # A link leads to the form; what is to be done there comes after.
        return [replace(clause, is_rest=True), replace(clause, is_opened=True)]
    return [*_credentials(clause, situation, secret), replace(clause, is_rest=True)]


def _credentials(clause: Clause, situation: Situation, secret: PageNode) -> Sequence[Clause]:
    """Who, if the form asks, and the password."""
    view = situation.view
    fields = [each for each in view.used if each.role in FIELDS]
    before = fields[: fields.index(secret)] if secret in fields else []
    filled: list[Clause] = []
    user, password = _one(situation.inputs, _USER), _one(situation.inputs, _PASSWORD)
    if not password:
        raise Stuck("to log in needs an input whose name says that it is the password")
    if user and before:
        filled.append(_called(before[-1], user, clause))
    return [*filled, _called(secret, password, clause)]


def _one(inputs: Sequence[str], words: frozenset[str]) -> str:
    return next((each for each in inputs if set(stems(each.replace("_", " "))) & words), "")


def _called(node: PageNode, name: str, clause: Clause) -> Clause:
    text = f"{clause.text}: {name}"
    return Clause("fill", text, quoted=(node.label,), value=f"${{inputs.{name}}}")


def _filling(name: str, clause: Clause) -> Clause:
    words = tuple(stems(name.replace("_", " ").replace("-", " ")))
    return Clause("fill", f"{clause.text}: {name}", words, value=f"${{inputs.{name}}}")


def _act(clause: Clause, view: PageView, node: PageNode) -> Mapping[str, object]:
    target = named(view, node)
    match clause.kind:
        case "fill":
            return {"fill": {**target, "value": clause.value}}
        case "select" if node.role in {"combobox", "listbox"}:
            return {"select": {**target, "value": _option(clause, view, node)}}
        case "check" | "uncheck":
            return {clause.kind: target}
        case _:
            return {"click": target}


def _option(clause: Clause, view: PageView, node: PageNode) -> str:
    """The option as the page writes it."""
    options = [each.name for each in view.nodes if each.role == "option" and node in each.parents]
    wanted = stems(clause.value)
    return next((each for each in options if stems(each) == wanted), clause.value)


def _rest(clause: Clause, best: Ranked) -> Clause | None:
    """A click on the thing itself leaves its verb: `Add the shirt` by way of the shirt's page."""
    if clause.kind != "click" or clause.quoted or clause.is_rest or not clause.words:
        return None
    left = tuple(each for each in clause.words if not set(stems(each)) <= best.used)
    verb = clause.words[0]
    is_verb_left = verb in left and clause.text.casefold().startswith(verb)
    return replace(clause, words=left, is_rest=True) if is_verb_left else None


def _proposal(action: Mapping[str, object], clause: Clause) -> Proposal:
    return Proposal(action=Action.model_validate(action), reason=f"for {clause.text!r}"[:300])


def _key(view: PageView, node: PageNode) -> tuple[str, str, str]:
    return node.role, node.label, view.near(node)


def _worded(view: PageView, node: PageNode) -> str:
    near = view.near(node)
    return f"{node.role} {node.label!r}" + (f" beside {near[:60]!r}" if near else "")


def _listed(view: PageView) -> str:
    told = [f"{each.role} {each.label!r}" for each in view.used[:8]]
    more = len(view.used) - len(told)
    return (", ".join(told) or "nothing to use") + (f" and {more} more" if more > 0 else "")
