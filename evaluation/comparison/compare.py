"""Supporters compared on the same people: scales, success rates, and what may not be compared.

The person is the unit: votes of a judge are one value, draws of a profile are one mean, translations are one person.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from cocoon.core.errors import CocoonError
from cocoon.core.records import Language, Rating
from cocoon.evaluation.comparison.effects import Draws, Units, effect_of
from cocoon.evaluation.comparison.judge_match import Match, judge_pairs, match, prompt_lines
from cocoon.evaluation.comparison.records import Column, Comparison, Effect
from cocoon.evaluation.comparison.sides import MatchedPerson, Pairing, Side, pair_profiles
from cocoon.evaluation.groups import WITH_NEED, WITHOUT_NEED, majority, mean_of_votes
from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.scales.scoring import Scale
from cocoon.evaluation.statistics.paired import holm
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER

RATES = (Column(label="SR paper", scale=PAPER), Column(label="SR attributed", scale=ATTRIBUTED))
UNEVEN = "Numbers of dialogues a profile differ between the sides: p-values assume symmetric differences."
Values = dict[str, float | None]
"""Dialogue -> its value on a column, None where missing."""


def compare_sides(
    sides: Sequence[Side],
    scales: Mapping[str, Scale] | None = None,
    baseline: Side | None = None,
    allow_different_judges: bool = False,
) -> list[Comparison]:
    """Compare every other side with the baseline (the first side by default).

    Each judge has its own comparison, and so have people with and without a need. Raises CocoonError where sides cannot
    be paired, or were judged differently and that is not allowed.
    """
    if len(sides) < 2:
        raise CocoonError("a comparison needs two supporters; give a second run, or a run that holds several")
    first = baseline or sides[0]
    return [
        comparison
        for second in sides
        if second is not first
        for comparison in compare_two(first, second, scales or {}, allow_different_judges)
    ]


def compare_two(first: Side, second: Side, scales: Mapping[str, Scale], allow: bool = False) -> list[Comparison]:
    """Compare two sides, once for every judge that they share and for people with and without a need."""
    pairing = pair_profiles(first, second)
    if not pairing.pairs:
        raise CocoonError(
            f"{first.name!r} ({first.run}) and {second.name!r} ({second.run}) have no profile in common; "
            "compare runs made from the same profiles or from translations of them (`translation_of`)"
        )
    return [
        _comparison(first, second, part, need, match(first, second, judges, part, allow), scales)
        for judges in judge_pairs(first, second, allow)
        for need, part in _by_need(first, second, pairing).items()
    ]


def _by_need(first: Side, second: Side, pairing: Pairing) -> dict[str, Pairing]:
    parts: dict[str, Pairing] = {}
    for need, has_need in ((WITH_NEED, True), (WITHOUT_NEED, False)):
        part = Pairing(
            tuple(pair for pair in pairing.pairs if (first.people[pair.units[0][0]].need is not None) == has_need),
            frozenset(node for node in pairing.alone_first if (first.people[node].need is not None) == has_need),
            frozenset(node for node in pairing.alone_second if (second.people[node].need is not None) == has_need),
        )
        if part.pairs:
            parts[need] = part
    return parts


def _comparison(
    first: Side, second: Side, pairing: Pairing, need: str, matched: Match, scales: Mapping[str, Scale]
) -> Comparison:
    return Comparison(
        first=first.name,
        second=second.name,
        judge=" / ".join(dict.fromkeys(matched.judges)),
        need=need,
        pairs=len(pairing.pairs),
        crossed=sum(pair.crosses for pair in pairing.pairs),
        unpaired_first=len(pairing.alone_first),
        unpaired_second=len(pairing.alone_second),
        prompts=prompt_lines([matched.first, matched.second]),
        notes=[*matched.notes, *([UNEVEN] if _uneven(first, second, pairing.pairs) else [])],
        effects=_corrected(
            [_effect(first, second, pairing.pairs, matched, column) for column in _columns(first, matched, scales)]
        ),
    )


def _uneven(first: Side, second: Side, pairs: Sequence[MatchedPerson]) -> bool:
    units = (unit for pair in pairs for unit in pair.units)
    return any(
        len(first.dialogues[first_node]) != len(second.dialogues[second_node]) for first_node, second_node in units
    )


def _corrected(effects: Sequence[Effect]) -> list[Effect]:
    corrected = holm([effect.significance.p if effect.significance else None for effect in effects])
    return [effect.model_copy(update={"p_holm": p}) for effect, p in zip(effects, corrected, strict=True)]


def _columns(side: Side, matched: Match, scales: Mapping[str, Scale]) -> list[Column]:
    """Return success rates, the columns of the paper's Table 3, then all other dimensions that were rated."""
    better: dict[tuple[str, str], Literal["higher", "lower"]] = {
        (scale.id, dimension.id): dimension.better for scale in scales.values() for dimension in scale.dimensions
    }
    main = {(measure.scale, measure.dimension): (measure.label, measure.digits) for measure in MEASURES}
    names = {(rating.scale, name) for rating in side.ratings for name in rating.dimensions}
    others = {name: (" ".join(name), 2) for name in sorted(names - main.keys())}
    columns = [
        _column(name, label, digits, better.get(name, "higher")) for name, (label, digits) in (main | others).items()
    ]
    rated = {scale for scale, _ in matched.first}
    return [column for column in (*RATES, *columns) if column.scale in rated]


def _column(name: tuple[str, str], label: str, digits: int, better: Literal["higher", "lower"]) -> Column:
    return Column(label=label, scale=name[0], dimension=name[1], better=better, digits=digits)


def _effect(first: Side, second: Side, pairs: Sequence[MatchedPerson], matched: Match, column: Column) -> Effect:
    first_values = _values(first, matched.judges[0], matched.first, column)
    second_values = _values(second, matched.judges[1], matched.second, column)
    units: Units = [
        [
            (_draws(first.dialogues[first_node], first_values), _draws(second.dialogues[second_node], second_values))
            for first_node, second_node in pair.units
        ]
        for pair in pairs
    ]
    return effect_of(column, units)


def _draws(dialogues: Sequence[str], values: Values) -> Draws:
    return [values.get(name) for name in dialogues]


def _values(side: Side, judge: str, chosen: Mapping[tuple[str, Language], tuple[str, str]], column: Column) -> Values:
    """Return the mean or the majority of the votes that count.

    Of a vote that occurs twice, the later one counts.
    """
    language: dict[str, Language] = {name: node[0] for node, names in side.dialogues.items() for name in names}
    votes: dict[str, dict[int, Rating]] = defaultdict(dict)
    for rating in side.ratings:
        version = chosen.get((column.scale, language[rating.dialogue]))
        if (rating.scale, rating.judge, (rating.prompt_id, rating.prompt_sha)) == (column.scale, judge, version):
            votes[rating.dialogue][rating.vote] = rating
    value = mean_of_votes(column.dimension) if column.dimension else majority
    return {name: value(list(by_vote.values())) for name, by_vote in votes.items()}
