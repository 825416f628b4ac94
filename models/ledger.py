"""The ledger of a run: calls, tokens and money by model, what of them may be spent, and what a dry run expects.

Progress line, budget, closing summary, report and dry run all read a ledger, so that they say the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cocoon.core.config import BudgetConfig, Price
from cocoon.core.errors import BudgetReachedError

BATCH_SHARE = 0.5
"""What a token costs in a batch, as a share of its price."""
_FREE = ("local:", "scripted:")


@dataclass(frozen=True, slots=True)
class Usage:
    """Answered calls of one model, and the tokens that they took. A count is None where the server reports none.

    `tokens_cached` is the part of `tokens_in` that the server had in its prefix cache. `batched` calls went out in a
    batch.
    """

    model: str
    calls: int = 1
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    batched: bool = False


@dataclass
class Account:
    """What one model was asked so far. `cost` is in the currency of the price list, 0 without a price."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    cost: float = 0.0


def cost_of(usage: Usage, price: Price) -> float:
    """Return the money for calls at a price for a million tokens in, out and, where the price names it, cached."""
    cached = usage.tokens_cached or 0
    price_cached = price[2] if len(price) == 3 else price[0]
    fresh = (usage.tokens_in or 0) - cached
    cost = fresh * price[0] + cached * price_cached + (usage.tokens_out or 0) * price[1]
    return cost * (BATCH_SHARE if usage.batched else 1.0) / 1e6


@dataclass
class Ledger:
    """What was asked and answered, against the `limits` of a budget. `prices` are for a million tokens, by model.

    A call is counted as open when it starts, so that a limit of N calls starts no call N + 1. An attempt that the
    endpoint took and did not answer stays open, and counts against the budget. Tokens and money are known only
    afterwards, so calls in flight when a limit is met are finished and kept. `uncounted` are answers without token
    counts: a limit on tokens or money cannot be kept then, and stops the run. `replayed` calls came from the journal.
    Where several processes share a budget, this one may spend up to what is `lent`, and `borrow` asks for more.
    """

    limits: BudgetConfig = field(default_factory=BudgetConfig)
    prices: Mapping[str, Price] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    open: int = 0
    uncounted: int = 0
    replayed: int = 0
    lent: BudgetConfig | None = None
    borrow: Callable[[], BudgetConfig] | None = None

    @property
    def calls(self) -> int:
        """Return the number of answered calls."""
        return sum(account.calls for account in self.accounts.values())

    @property
    def tokens_in(self) -> int:
        """Return the tokens of all prompts."""
        return sum(account.tokens_in for account in self.accounts.values())

    @property
    def tokens_out(self) -> int:
        """Return the tokens of all replies."""
        return sum(account.tokens_out for account in self.accounts.values())

    @property
    def tokens_cached(self) -> int:
        """Return the tokens of prompts that servers had in their prefix cache."""
        return sum(account.tokens_cached for account in self.accounts.values())

    @property
    def spent(self) -> float:
        """Return the money for all models that have a price."""
        return sum(account.cost for account in self.accounts.values())

    @property
    def cost(self) -> float | None:
        """Return the money spent, or None where nothing is paid for, or a model that is has no price."""
        paid = [model for model in self.accounts if not model.startswith(_FREE)]
        return self.spent if paid and all(model in self.prices for model in paid) else None

    def start_call(self) -> None:
        """Count a call about to start. Raises BudgetReachedError when a limit is met."""
        if self._is_spent() and self.borrow is not None:
            self.lent = self.borrow()
        if spent := self._is_spent():
            raise BudgetReachedError(f"budget of {spent}")
        if self.uncounted and (self.limits.tokens is not None or self.limits.money is not None):
            raise BudgetReachedError(
                "the endpoint tells no token counts, so a budget of tokens or money cannot be kept; use --budget-calls"
            )
        self.open += 1

    def _is_spent(self) -> str | None:
        """Return which limit is met and how to raise it, or None where there is something left."""
        limits, lent = self.limits, self.lent or self.limits
        if lent.calls is not None and self.calls + self.open >= lent.calls:
            return f"{limits.calls} calls is spent; raise --budget-calls and run again"
        if lent.tokens is not None and self.tokens_in + self.tokens_out >= lent.tokens:
            return f"{limits.tokens} tokens is spent; raise --budget-tokens and run again"
        if lent.money is not None and self.spent >= lent.money:
            return f"{limits.money:g} is spent; raise --budget-money and run again"
        return None

    def take_back(self) -> None:
        """Uncount a call that the endpoint did not take: it was turned away (429) or never sent."""
        self.open -= 1

    def end_call(self, usage: Usage) -> None:
        """Enter the answer to a call that was started."""
        self.open -= 1
        self.uncounted += usage.tokens_in is None or usage.tokens_out is None
        self.add(usage)

    def add(self, usage: Usage) -> None:
        """Enter answered calls."""
        account = self.accounts.setdefault(usage.model, Account())
        account.calls += usage.calls
        account.tokens_in += usage.tokens_in or 0
        account.tokens_out += usage.tokens_out or 0
        account.tokens_cached += usage.tokens_cached or 0
        if usage.model in self.prices:
            account.cost += cost_of(usage, self.prices[usage.model])

    @classmethod
    def of(cls, usages: Iterable[Usage], prices: Mapping[str, Price]) -> "Ledger":
        """Return the ledger of calls that are known, such as those of a journal or those expected."""
        ledger = cls(prices=prices)
        for usage in usages:
            ledger.add(usage)
        return ledger

    @classmethod
    def total(cls, ledgers: Sequence["Ledger"]) -> "Ledger":
        """Return the sum of several ledgers under the limits and prices of the first. It borrows from nobody."""
        total = cls(ledgers[0].limits, ledgers[0].prices) if ledgers else cls()
        for ledger in ledgers:
            for model, account in ledger.accounts.items():
                before = total.accounts.get(model, Account())
                sums = {name: value + getattr(before, name) for name, value in vars(account).items()}
                total.accounts[model] = Account(**sums)
            total.open += ledger.open
            total.uncounted += ledger.uncounted
            total.replayed += ledger.replayed
        return total
