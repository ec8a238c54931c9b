import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.account import Account, Budget, Measure
from harness.errors import Conflict, InvalidInput, QuotaExceeded


def _account(tokens: int = 100) -> Account:
    return Account(Budget({Measure.TOKENS: tokens}))


def test_what_is_promised_cannot_be_promised_again() -> None:
    account = _account().reserve("a", {Measure.TOKENS: 60})
    with pytest.raises(QuotaExceeded, match="40 of 100 tokens left"):
        account.reserve("b", {Measure.TOKENS: 41})
    assert account.reserve("b", {Measure.TOKENS: 40}).left(Measure.TOKENS) == 0


def test_settling_gives_back_what_was_not_used() -> None:
    account = _account().reserve("a", {Measure.TOKENS: 60}).settle("a", {Measure.TOKENS: 10})
    assert account.left(Measure.TOKENS) == 90


def test_releasing_gives_everything_back() -> None:
    assert _account().reserve("a", {Measure.TOKENS: 60}).release("a") == _account()


def test_a_refused_reservation_takes_nothing() -> None:
    account = Account(Budget({Measure.TOKENS: 9, Measure.TURNS: 0}))
    with pytest.raises(QuotaExceeded):
        account.reserve("a", {Measure.TOKENS: 1, Measure.TURNS: 1})
    assert account.left(Measure.TOKENS) == 9


def test_a_call_has_one_reservation() -> None:
    account = _account().reserve("a", {})
    with pytest.raises(Conflict):
        account.reserve("a", {})
    with pytest.raises(Conflict):
        account.settle("b", {})
    with pytest.raises(Conflict):
        account.release("b")


def test_negative_amounts_are_refused() -> None:
    with pytest.raises(InvalidInput):
        _account().reserve("a", {Measure.TOKENS: -1})
    with pytest.raises(InvalidInput):
        Budget({Measure.TOKENS: -1})


def test_a_measure_that_is_not_limited_is_counted() -> None:
    account = _account().reserve("a", {Measure.BYTES: 5}).settle("a", {Measure.BYTES: 5})
    assert account.left(Measure.BYTES) is None
    assert account.spent[Measure.BYTES] == 5


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("rsx"), st.integers(0, 60))),
)
def test_what_is_spent_never_exceeds_the_budget(steps: list[tuple[str, str, int]]) -> None:
    account = _account()
    for call, what, amount in steps:
        promised = account.reserved.get(call, {}).get(Measure.TOKENS, 0)
        try:
            if what == "r":
                account = account.reserve(call, {Measure.TOKENS: amount})
            elif what == "s":
                account = account.settle(call, {Measure.TOKENS: min(amount, promised)})
            else:
                account = account.release(call)
        except (QuotaExceeded, Conflict):
            continue
        open_ = sum(each[Measure.TOKENS] for each in account.reserved.values())
        assert account.spent.get(Measure.TOKENS, 0) + open_ <= 100
