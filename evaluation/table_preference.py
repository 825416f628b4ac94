"""Pairwise preferences as tables, in the form of the paper's Figure 5: people and judges beside each other."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from cocoon.evaluation.agreement import krippendorff
from cocoon.evaluation.comparison_questions import load_questions
from cocoon.evaluation.preference import (
    Choice,
    both_orders,
    bradley_terry,
    first_position_rate,
    order_agreement,
    preference_table,
    win_rate,
)
from cocoon.evaluation.statistics import Estimate
from cocoon.evaluation.table_people import HUMAN
from cocoon.evaluation.tables import Cell, Row, Table

# Share of decided answers from which a judge is said to take one place always.
ALWAYS = 0.95
# An interval wider than this says neither that there is a bias nor that there is none.
TOO_WIDE = 0.5
PEOPLE, OWN = "people", "people, own chats"
KEYS = ["By", "Question", "Condition", "Against"]


def preference_tables(choices: Sequence[Choice], conditions: Sequence[str]) -> list[Table]:
    """Win rates, position bias, agreement and strengths; tables without a row are left out.

    `conditions` in their order: of a pair, the earlier one is the condition that the other is held against.
    """
    tables = [
        wins_table(choices, conditions),
        position_table(choices),
        raters_table(choices),
        strengths_table(choices),
    ]
    return [table for table in tables if table.rows]


def _by(choices: Iterable[Choice]) -> dict[str, list[Choice]]:
    """`people` about dialogues that they were shown, and about their own chats, and each judge by its name."""
    found: dict[str, list[Choice]] = defaultdict(list)
    for choice in choices:
        people = OWN if choice.own else PEOPLE
        found[people if choice.rater.startswith(HUMAN) else choice.rater].append(choice)
    return dict(sorted(found.items(), key=lambda pair: (pair[0] not in (PEOPLE, OWN), pair[0])))


def _questions(choices: Iterable[Choice]) -> list[str]:
    """Questions in the order in which they are asked, others after them."""
    order = [one.id for one in load_questions().questions]
    found = dict.fromkeys(choice.question for choice in choices)
    return sorted(found, key=lambda name: order.index(name) if name in order else len(order))


def counted(choices: Sequence[Choice]) -> list[Choice]:
    """The answers that count: people's as they are, a judge's after its two orders were brought together."""
    people = [one for one in choices if one.rater.startswith(HUMAN)]
    return [*people, *both_orders([one for one in choices if not one.rater.startswith(HUMAN)])]


def wins_table(choices: Sequence[Choice], conditions: Sequence[str]) -> Table:
    """How often a condition was preferred, by question."""
    rows = []
    for by, some in _by(choices).items():
        final = counted(some)
        for first, second in _pairs(final, conditions):
            for question in _questions(some):
                rate = win_rate(final, first, second, question)
                if rate.wins + rate.ties + rate.losses + rate.missing == 0:
                    continue
                cells = {"wins": rate.wins, "ties": rate.ties, "losses": rate.losses, "missing": rate.missing}
                rows.append(Row(labels=[by, question, first, second], cells={**cells, "share": rate.share}))
    return Table(
        id="wins",
        title="Preferred conditions, in the form of Figure 5 of the paper",
        keys=KEYS,
        measures=["wins", "ties", "losses", "missing", "share"],
        rows=rows,
        note=(
            "Share: wins and half of the ties, with an interval over units (topics). A judge is asked every pair in "
            "both orders, several times with votes; orders that disagree are a tie. People compare in one order, drawn "
            "at random."
        ),
    )


def _pairs(choices: Iterable[Choice], conditions: Sequence[str]) -> list[tuple[str, str]]:
    order = {name: place for place, name in enumerate(conditions)}
    names = {tuple(sorted((one.first, one.second), key=lambda n: (order.get(n, len(order)), n))) for one in choices}
    pairs = [(first, second) for first, second in names]
    return sorted(pairs, key=lambda pair: tuple(order.get(name, len(order)) for name in pair))


def position_table(choices: Sequence[Choice]) -> Table:
    """Whether what was shown first is preferred for that alone."""
    rows = [
        Row(
            labels=[by],
            cells={
                "first preferred": first_position_rate(some),
                "same answer in both orders": order_agreement(some),
                "verdict": position_verdict(first_position_rate(some)),
            },
        )
        for by, some in _by(choices).items()
    ]
    return Table(
        id="position",
        title="Position bias",
        keys=["By"],
        measures=["first preferred", "same answer in both orders", "verdict"],
        rows=rows,
        note=(
            "0.5 where order does not matter. n: decided answers; missing: ties and answers that could not be read. In "
            "the interval a person's answers to one pair count as one, and a judge's to one question in both orders."
        ),
    )


def position_verdict(rate: Estimate) -> str:
    """One word on the position rate: what its interval allows to say."""
    if rate.low is None or rate.high is None or (rate.low <= 0.5 <= rate.high and rate.high - rate.low > TOO_WIDE):
        return "too few answers"
    share = rate.value or 0.0
    if rate.low > 0.5:
        return "always takes the first" if share > ALWAYS else "prefers the first"
    if rate.high < 0.5:
        return "always takes the second" if share < 1 - ALWAYS else "prefers the second"
    return "no bias seen"


def raters_table(choices: Sequence[Choice]) -> Table:
    """Agreement on pairs that several people compared, or a judge several times."""
    rows = []
    for by, some in _by(choices).items():
        for question in _questions(some):
            asked = counted([choice for choice in some if choice.question == question])
            if len({(one.rater, one.vote) for one in asked}) > 1:
                cells: dict[str, Cell] = {"alpha, nominal": krippendorff(preference_table(asked), "nominal")}
                rows.append(Row(labels=[by, question], cells=cells))
    return Table(
        id="preference_raters",
        title="Agreement between people, and between the votes of a judge, on pairs",
        keys=["By", "Question"],
        measures=["alpha, nominal"],
        rows=rows,
        note=(
            "Krippendorff's alpha over first, second and tie; pairs that were compared once say nothing of it. People "
            "who compare their own chats agree on topics and conditions, not on the same texts. Votes are draws of one "
            "model."
        ),
    )


def strengths_table(choices: Sequence[Choice]) -> Table:
    """Bradley-Terry strengths where more than two conditions were compared."""
    rows = []
    for by, some in _by(choices).items():
        if len({name for one in some for name in (one.first, one.second)}) < 3:
            continue
        for question in _questions(some):
            asked = [choice for choice in counted(some) if choice.question == question]
            rows += [
                Row(labels=[by, question, one.condition], cells={"strength": one.strength})
                for one in bradley_terry(asked)
            ]
    return Table(
        id="strengths",
        title="Strengths of the conditions (Bradley-Terry)",
        keys=["By", "Question", "Condition"],
        measures=["strength"],
        rows=rows,
        note="Log-odds with mean 0, ties as half a win each; none where a condition won or lost everything.",
    )
