"""What shards share while Ray makes them: a budget in portions, outages of endpoints, progress, and their places."""

import pytest

from cocoon.core.config import BudgetConfig
from cocoon.core.errors import BudgetReachedError, CocoonError
from cocoon.models.ledger import Ledger, Usage
from cocoon.running.shards.hub import Amounts, EndpointState, Hub, Outages, SharedBudget
from cocoon.running.shards.placement import Placement, placed_replicas
from cocoon.running.work import Progress

ANSWERING, SILENT = EndpointState(answered=5, down_for=None), EndpointState(answered=5, down_for=3.0)


def borrowing(budget: SharedBudget, shard: int, limits: BudgetConfig, spent: int = 0) -> Ledger:
    """A ledger that borrows from a shared budget, with so many calls of earlier sessions in it."""
    ledger = Ledger(limits)
    ledger.add(Usage("model", spent))
    ledger.borrow = lambda: budget.lend(shard, Amounts.of(ledger))
    ledger.lent = ledger.borrow()
    return ledger


def call(ledger: Ledger, tokens: int = 1) -> bool:
    """Make a call, and return whether the budget allowed it."""
    try:
        ledger.start_call()
    except BudgetReachedError:
        return False
    ledger.end_call(Usage("model", tokens_in=tokens, tokens_out=0))
    return True


def test_shards_spend_the_whole_budget_and_not_one_call_more() -> None:
    limits = BudgetConfig(calls=50)
    budget = SharedBudget(limits, 4, {})
    ledgers = [borrowing(budget, shard, limits) for shard in range(1, 5)]
    # One of them works twice as fast as the others.
    while any([call(ledger) for ledger in [*ledgers, ledgers[0]]]):
        pass
    assert sum(ledger.calls for ledger in ledgers) == 50
    with pytest.raises(BudgetReachedError, match="budget of 50 calls is spent; raise --budget-calls"):
        ledgers[0].start_call()


def test_what_a_shard_did_not_spend_is_lent_to_another() -> None:
    limits = BudgetConfig(tokens=1000)
    budget = SharedBudget(limits, 2, {})
    idle, busy = borrowing(budget, 1, limits), borrowing(budget, 2, limits)
    assert call(idle, 10)
    budget.give_back(1, Amounts.of(idle))
    while call(busy, 10):
        pass
    assert busy.tokens_in == 990


def test_calls_of_earlier_sessions_count_for_shards_that_are_not_at_work_too() -> None:
    limits = BudgetConfig(calls=20)
    budget = SharedBudget(limits, 2, {1: Amounts(calls=15), 2: Amounts(calls=2)})
    second = borrowing(budget, 2, limits, spent=2)
    while call(second):
        pass
    assert second.calls == 5


def test_a_shard_that_died_does_not_get_its_portion_twice() -> None:
    limits = BudgetConfig(calls=40)
    budget = SharedBudget(limits, 2, {})
    first = borrowing(budget, 1, limits)
    portion = first.lent
    assert call(first)
    again = borrowing(budget, 1, limits, spent=1)
    assert again.lent == portion


def test_one_shard_asks_an_endpoint_that_answers_nobody_and_the_others_wait() -> None:
    now = [100.0]
    outages = Outages(lambda: now[0])
    assert outages.hear(1, {"host": ANSWERING}) == [] and outages.hear(2, {"host": ANSWERING}) == []
    now[0] += 10
    assert outages.hear(1, {"host": SILENT}) == [] and outages.down == ["host"]
    assert outages.hear(2, {"host": ANSWERING}) == ["host"] and outages.hear(2, {"host": SILENT}) == ["host"]
    assert outages.hear(1, {"host": EndpointState(6, None)}) == []
    assert outages.hear(2, {"host": ANSWERING}) == [] and outages.down == []


def test_an_endpoint_that_answers_another_shard_is_not_down_for_all() -> None:
    now = [100.0]
    outages = Outages(lambda: now[0])
    outages.hear(1, {"host": SILENT})
    now[0] += 1
    assert outages.hear(2, {"host": ANSWERING}) == [] and outages.hear(3, {"host": ANSWERING}) == []


def test_another_shard_asks_when_the_one_that_did_has_ended_or_gone_silent() -> None:
    now = [100.0]
    outages = Outages(lambda: now[0])
    for shard in (1, 2, 3):
        outages.hear(shard, {"host": EndpointState(0, 2.0)})
    assert outages.hear(2, {"host": EndpointState(0, 3.0)}) == ["host"]
    outages.forget(1)
    assert outages.hear(2, {"host": EndpointState(0, 3.0)}) == []
    assert outages.hear(3, {"host": EndpointState(0, 3.0)}) == ["host"]
    now[0] += 60
    assert outages.hear(3, {"host": EndpointState(0, 63.0)}) == []


def test_the_hub_adds_up_what_its_shards_report_and_stops_them_all() -> None:
    hub = Hub(BudgetConfig(), 2, {})
    for shard, calls in ((1, 3), (2, 4)):
        progress = Progress(dialogues=2, done=1, expected=10)
        progress.ledger.add(Usage("model", calls, tokens_in=calls, tokens_out=0))
        assert not hub.report(shard, progress, {}).stop
    hub.say(["shard 1/2: hello"])
    news = hub.news()
    total = Progress.total(list(news.progress.values()))
    assert (total.dialogues, total.done, total.expected, total.calls, total.ledger.tokens_in) == (4, 2, 20, 7, 7)
    assert (news.lines, hub.news().lines) == (["shard 1/2: hello"], [])
    hub.stop()
    assert hub.report(1, Progress(), {}).stop


def test_local_models_have_a_gpu_each_and_share_the_processors_where_there_is_none() -> None:
    machines = [{"CPU": 16.0, "GPU": 4.0}, {"CPU": 16.0, "GPU": 4.0}]
    assert placed_replicas(machines, None, local=True, fixed=False) == Placement(8, 8, gpus=1)
    assert placed_replicas(machines, 3, local=True, fixed=True).at_once == 3
    assert placed_replicas(machines, None, local=False, fixed=False) == Placement(2, 32)
    assert placed_replicas([{"CPU": 8.0}], 2, local=True, fixed=True) == Placement(2, 2, cpus=4)
    assert placed_replicas([{"CPU": 1.0}, {"CPU": 1.0}, {"memory": 1.0}], None, local=False, fixed=False) == Placement(
        2, 2
    )


def test_replicas_that_do_not_fit_are_refused_on_this_machine_and_wait_on_a_cluster() -> None:
    with pytest.raises(CocoonError, match=r"^--replicas 3: there are 2 GPUs, one for each .* Give at most 2.$"):
        placed_replicas([{"CPU": 8.0, "GPU": 2.0}], 3, local=True, fixed=True)
    assert placed_replicas([{"CPU": 8.0, "GPU": 2.0}], 3, local=True, fixed=False) == Placement(3, 2, gpus=1)
