"""What a run has spent adds up over its calls, and each limit is met by the sum."""

import pytest

from cocoon.core.errors import BudgetReachedError
from cocoon.models.budget import Budget


def spent(budget: Budget, calls: int) -> Budget:
    """The budget after so many calls of 3 tokens in, 2 out and half a unit of money."""
    for _ in range(calls):
        budget.start_call()
        budget.end_call(3, 2, 0.5)
    return budget


def test_calls_tokens_and_money_of_all_calls_add_up() -> None:
    budget = spent(Budget(), 3)
    assert (budget.calls_made, budget.tokens_in, budget.tokens_out, budget.spent) == (3, 9, 6, 1.5)
    budget.end_call(1, 1, None)
    assert budget.spent == 1.5


@pytest.mark.parametrize(
    ("limits", "calls"), [({"calls": 4}, 4), ({"tokens": 15}, 3), ({"tokens": 16}, 4), ({"money": 1.5}, 3)]
)
def test_a_limit_is_met_by_the_sum_of_all_calls(limits: dict[str, int], calls: int) -> None:
    budget = spent(Budget(**limits), calls)
    with pytest.raises(BudgetReachedError):
        budget.start_call()
    assert budget.calls_made == calls


def test_a_call_that_was_not_taken_is_not_counted() -> None:
    budget = spent(Budget(calls=1), 1)
    budget.take_back()
    budget.start_call()
    assert budget.calls_made == 1


@pytest.mark.parametrize("tokens", [(None, 2), (3, None), (None, None)])
def test_a_limit_on_tokens_needs_an_endpoint_that_counts_them(tokens: tuple[int | None, int | None]) -> None:
    for budget in (Budget(tokens=100), Budget(money=1.0)):
        budget.end_call(*tokens, None)
        with pytest.raises(BudgetReachedError, match="tells no token counts"):
            budget.start_call()
    free = Budget(calls=2)
    free.end_call(*tokens, None)
    free.start_call()
