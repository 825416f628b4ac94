"""What a run may spend, and what it has spent: calls, tokens, money."""

from dataclasses import dataclass

from cocoon.core.errors import BudgetReachedError


@dataclass
class Budget:
    """Limits (None: no limit) and counters of one run. Money is in the currency of the price list.

    Calls are counted when they start, so a limit of N calls starts no call N + 1. Every attempt that the endpoint took
    counts. Tokens and money are known only afterwards, so calls in flight when the limit is met are finished and kept.
    `untold` counts answers without token counts. A limit on tokens or money cannot be kept then, and stops the run.
    """

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    calls_made: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    spent: float = 0.0
    untold: int = 0

    def start_call(self) -> None:
        """Count a call about to start. Raises BudgetReachedError when a limit is met."""
        if self.calls is not None and self.calls_made >= self.calls:
            raise BudgetReachedError(f"budget of {self.calls} calls is spent; raise --budget-calls and run again")
        if self.tokens is not None and self.tokens_in + self.tokens_out >= self.tokens:
            raise BudgetReachedError(f"budget of {self.tokens} tokens is spent; raise --budget-tokens and run again")
        if self.money is not None and self.spent >= self.money:
            raise BudgetReachedError(f"budget of {self.money:g} is spent; raise --budget-money and run again")
        if self.untold and (self.tokens is not None or self.money is not None):
            raise BudgetReachedError(
                "the endpoint tells no token counts, so a budget of tokens or money cannot be kept; use --budget-calls"
            )
        self.calls_made += 1

    def take_back(self) -> None:
        """Uncount a call that the endpoint did not take: it was turned away (429) or never sent."""
        self.calls_made -= 1

    def end_call(self, tokens_in: int | None, tokens_out: int | None, cost: float | None) -> None:
        """Add what an answered call used. None means that the server did not report it, or that no price is known."""
        self.untold += tokens_in is None or tokens_out is None
        self.tokens_in += tokens_in or 0
        self.tokens_out += tokens_out or 0
        self.spent += cost or 0.0
