"""What a run has spent adds up over its calls, and each limit is met by the sum."""

import pytest

from cocoon.core.config import BudgetConfig
from cocoon.core.errors import BudgetReachedError
from cocoon.models.ledger import Ledger, Usage


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
