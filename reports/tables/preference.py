"""Pairwise preferences as tables, like the paper's Figure 5: people and judges beside each other."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from cocoon.evaluation.scales.comparison_questions import load_questions
from cocoon.evaluation.statistics.agreement import krippendorff
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.statistics.preference import (
    Choice,
    both_orders,
    bradley_terry,
    first_position_rate,
    order_agreement,
    preference_table,
    win_rate,
)
from cocoon.reports.tables.judging.people import HUMAN
from cocoon.reports.tables.records import Cell, Row, Table

# Share of decided answers from which a judge is said to always take one position.
ALWAYS = 0.95
# An interval wider than this shows neither a bias nor the absence of a bias.
TOO_WIDE = 0.5
PEOPLE, OWN = "people", "people, own chats"
KEYS = ["By", "Question", "Condition", "Against"]


def preference_tables(choices: Sequence[Choice], conditions: Sequence[str]) -> list[Table]:
    """Return win rates, position bias, agreement and strengths, leaving out tables without a row.

    `conditions` come in their order: of a pair, the other condition is compared with the earlier one.
    """
    tables = [
        wins_table(choices, conditions),
        position_table(choices),
        preference_raters_table(choices),
        strengths_table(choices),
    ]
    return [table for table in tables if table.rows]


def _by_chooser(choices: Iterable[Choice]) -> dict[str, list[Choice]]:
    """Return the choices by who made them.

    The keys are `people` for dialogues that they were shown, `people, own chats`, and the name of each judge.
    """
    by_chooser: dict[str, list[Choice]] = defaultdict(list)
    for choice in choices:
        people = OWN if choice.own else PEOPLE
        by_chooser[people if choice.rater.startswith(HUMAN) else choice.rater].append(choice)
    return dict(sorted(by_chooser.items(), key=lambda pair: (pair[0] not in (PEOPLE, OWN), pair[0])))


def _questions(choices: Iterable[Choice]) -> list[str]:
    """Return the questions in the order in which they are asked, with any others after them."""
    order = [question.id for question in load_questions().questions]
    asked_questions = dict.fromkeys(choice.question for choice in choices)
    return sorted(asked_questions, key=lambda name: order.index(name) if name in order else len(order))


def counted(choices: Sequence[Choice]) -> list[Choice]:
    """Return the answers that count: people's as they are, a judge's after merging its two orders."""
    people = [choice for choice in choices if choice.rater.startswith(HUMAN)]
    return [*people, *both_orders([choice for choice in choices if not choice.rater.startswith(HUMAN)])]


def wins_table(choices: Sequence[Choice], conditions: Sequence[str]) -> Table:
    """Return how often a condition was preferred, by question."""
    rows = []
    for by, answers in _by_chooser(choices).items():
        final = counted(answers)
        for first, second in _pairs(final, conditions):
            for question in _questions(answers):
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
    order = {name: index for index, name in enumerate(conditions)}
    names = {
        tuple(sorted((choice.first, choice.second), key=lambda n: (order.get(n, len(order)), n))) for choice in choices
    }
    pairs = [(first, second) for first, second in names]
    return sorted(pairs, key=lambda pair: tuple(order.get(name, len(order)) for name in pair))


def position_table(choices: Sequence[Choice]) -> Table:
    """Return whether what was shown first is preferred only for that reason."""
    rows = [
        Row(
            labels=[by],
            cells={
                "first preferred": first_position_rate(answers),
                "same answer in both orders": order_agreement(answers),
                "verdict": position_verdict(first_position_rate(answers)),
            },
        )
        for by, answers in _by_chooser(choices).items()
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
    """Return a short verdict on the position rate: what its interval allows to say."""
    if rate.low is None or rate.high is None or (rate.low <= 0.5 <= rate.high and rate.high - rate.low > TOO_WIDE):
        return "too few answers"
    share = rate.value or 0.0
    if rate.low > 0.5:
        return "always takes the first" if share > ALWAYS else "prefers the first"
    if rate.high < 0.5:
        return "always takes the second" if share < 1 - ALWAYS else "prefers the second"
    return "no bias seen"


def preference_raters_table(choices: Sequence[Choice]) -> Table:
    """Return the agreement on pairs that several people compared, or a judge several times."""
    rows = []
    for by, choices_of_chooser in _by_chooser(choices).items():
        for question in _questions(choices_of_chooser):
            answers = counted([choice for choice in choices_of_chooser if choice.question == question])
            if len({(answer.rater, answer.vote) for answer in answers}) > 1:
                cells: dict[str, Cell] = {"alpha, nominal": krippendorff(preference_table(answers), "nominal")}
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
    """Return Bradley-Terry strengths where more than two conditions were compared."""
    rows = []
    for by, choices_of_chooser in _by_chooser(choices).items():
        if len({name for choice in choices_of_chooser for name in (choice.first, choice.second)}) < 3:
            continue
        for question in _questions(choices_of_chooser):
            answers = [choice for choice in counted(choices_of_chooser) if choice.question == question]
            rows += [
                Row(labels=[by, question, fitted.condition], cells={"strength": fitted.strength})
                for fitted in bradley_terry(answers)
            ]
    return Table(
        id="strengths",
        title="Strengths of the conditions (Bradley-Terry)",
        keys=["By", "Question", "Condition"],
        measures=["strength"],
        rows=rows,
        note="Log-odds with mean 0, ties as half a win each; none where a condition won or lost everything.",
    )
