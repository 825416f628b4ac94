"""What a run has spent adds up over its calls, and each limit is met by the sum."""

import pytest

from cocoon.core.config import BudgetConfig, Price
from cocoon.core.errors import BudgetReachedError
from cocoon.models.ledger import Account, Ledger, Usage, cost_of


def limited(**limits: float) -> Ledger:
    """A ledger with limits, in which a token of model `m` costs a tenth of a unit of money."""
    return Ledger(BudgetConfig.model_validate(limits), {"m": (1e5, 1e5)})


def spent(ledger: Ledger, calls: int) -> Ledger:
    """The ledger after so many calls of 3 tokens in, 2 out and half a unit of money."""
    for _ in range(calls):
        ledger.start_call()
        ledger.end_call(Usage("m", 1, 3, 2))
    return ledger


def test_calls_tokens_and_money_of_all_calls_add_up() -> None:
    ledger = spent(limited(), 3)
    assert (ledger.calls, ledger.tokens_in, ledger.tokens_out, ledger.spent) == (3, 9, 6, 1.5)
    ledger.add(Usage("without a price", 1, 1, 1))
    assert (ledger.calls, ledger.spent, ledger.cost) == (4, 1.5, None)


@pytest.mark.parametrize(
    ("limits", "calls"), [({"calls": 4}, 4), ({"tokens": 15}, 3), ({"tokens": 16}, 4), ({"money": 1.5}, 3)]
)
def test_a_limit_is_met_by_the_sum_of_all_calls(limits: dict[str, float], calls: int) -> None:
    ledger = spent(limited(**limits), calls)
    with pytest.raises(BudgetReachedError):
        ledger.start_call()
    assert (ledger.calls, ledger.open) == (calls, 0)


def test_a_call_that_was_not_taken_is_not_counted() -> None:
    ledger = limited(calls=1)
    ledger.start_call()
    ledger.take_back()
    ledger.start_call()
    assert ledger.open == 1


@pytest.mark.parametrize("tokens", [(None, 2), (3, None), (None, None)])
def test_a_limit_on_tokens_needs_an_endpoint_that_counts_them(tokens: tuple[int | None, int | None]) -> None:
    for ledger in (limited(tokens=100), limited(money=1.0)):
        ledger.start_call()
        ledger.end_call(Usage("m", 1, *tokens))
        with pytest.raises(BudgetReachedError, match="tells no token counts"):
            ledger.start_call()
    free = limited(calls=2)
    free.start_call()
    free.end_call(Usage("m", 1, *tokens))
    free.start_call()


@pytest.mark.parametrize(
    ("usage", "price", "cost"),
    [
        (Usage("m", 1, 3_000_000, 2_000_000), (5.0, 7.0), 29.0),
        (Usage("m", 1, 3_000_000, None), (5.0, 7.0), 15.0),
        (Usage("m", 1, None, 2_000_000), (5.0, 7.0), 14.0),
        (Usage("m", 1, None, None), (5.0, 7.0), 0.0),
        (Usage("m", 1, 3_000_000, 2_000_000, 1_000_000), (5.0, 7.0), 29.0),
        (Usage("m", 1, 3_000_000, 2_000_000, 1_000_000), (5.0, 7.0, 0.5), 24.5),
        (Usage("m", 1, 3_000_000, 2_000_000, 2_000_000, batched=True), (5.0, 7.0, 0.5), 10.0),
    ],
)
def test_a_cost_is_that_of_its_tokens_with_cached_and_batched_ones_at_their_price(
    usage: Usage, price: Price, cost: float
) -> None:
    assert cost_of(usage, price) == pytest.approx(cost)


def test_what_a_server_does_not_count_is_no_tokens_and_a_usage_is_one_call() -> None:
    ledger = Ledger.of([Usage("m"), Usage("m", 2, 5, 6, 4), Usage("n", 1, 1, 1, 1)], {"m": (1e6, 1e6)})
    assert ledger.accounts["m"] == Account(calls=3, tokens_in=5, tokens_out=6, tokens_cached=4, cost=11.0)
    assert ledger.accounts["n"] == Account(calls=1, tokens_in=1, tokens_out=1, tokens_cached=1, cost=0.0)
    assert (ledger.calls, ledger.tokens_in, ledger.tokens_out, ledger.tokens_cached) == (4, 6, 7, 5)
    assert (ledger.spent, ledger.open, ledger.uncounted, ledger.replayed) == (11.0, 0, 0, 0)
    assert Ledger.of([Usage("m")], {"m": (1e6, 1e6)}).accounts["m"] == Account(calls=1)


def test_a_cost_is_known_where_all_that_is_paid_for_has_a_price() -> None:
    prices: dict[str, Price] = {"paid": (1e6, 1e6)}
    local, paid, other = Usage("local:x", 1, 1, 1), Usage("paid", 1, 1, 1), Usage("other", 1, 1, 1)
    known = [Ledger.of(usages, prices).cost for usages in ([local], [paid], [local, paid], [paid, other], [])]
    assert known == [None, 2.0, 2.0, None, None]


def test_calls_in_flight_count_against_the_limit_and_answers_close_them() -> None:
    ledger = limited(calls=2)
    ledger.start_call()
    ledger.start_call()
    with pytest.raises(BudgetReachedError, match="budget of 2 calls is spent"):
        ledger.start_call()
    ledger.end_call(Usage("m", 1, 1, 1))
    assert (ledger.open, ledger.calls, ledger.uncounted) == (1, 1, 0)
    ledger.end_call(Usage("m"))
    ledger.add(Usage("m", 1, 1, 1))
    assert (ledger.open, ledger.calls, ledger.uncounted) == (0, 3, 1)


def test_ledgers_of_several_sessions_add_up_under_the_limits_of_the_first() -> None:
    first, second = Ledger(BudgetConfig(calls=9), open=2, uncounted=1, replayed=5), Ledger(open=3, uncounted=2)
    for ledger, model, tokens in ((first, "a", 10), (second, "a", 20), (second, "b", 40)):
        ledger.add(Usage(model, 1, tokens, 1))
    total = Ledger.total([first, second, Ledger(replayed=1)])
    assert (total.calls, total.tokens_in, total.tokens_out, set(total.accounts)) == (3, 70, 3, {"a", "b"})
    assert total.accounts["a"].tokens_in == 30 and first.accounts["a"].tokens_in == 10
    assert (total.open, total.uncounted, total.replayed, total.limits.calls) == (5, 3, 6, 9)
    assert Ledger.total([]).calls == 0
