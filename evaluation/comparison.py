"""Supporters held against each other on the same people: scales, success rates, and what may not be compared.

The person is the unit: votes of a judge are one value, draws of a profile one mean, translations one person.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from cocoon.core.errors import CocoonError
from cocoon.core.records import Language, Rating
from cocoon.evaluation.comparison_records import Column, Comparison, Effect
from cocoon.evaluation.effects import Draws, Units, effect_of
from cocoon.evaluation.groups import WITH_NEED, WITHOUT_NEED, majority, mean_of_votes
from cocoon.evaluation.judge_match import Match, judge_pairs, match, prompt_lines
from cocoon.evaluation.paired import holm
from cocoon.evaluation.scales import Scale
from cocoon.evaluation.sides import Pair, Pairing, Side, pair_profiles
from cocoon.evaluation.success import ATTRIBUTED, PAPER
from cocoon.evaluation.table_scores import MEASURES

RATES = (Column(label="SR paper", scale=PAPER), Column(label="SR attributed", scale=ATTRIBUTED))
UNEVEN = "Numbers of dialogues a profile differ between the sides: p-values assume symmetric differences."
Values = dict[str, float | None]
"""Dialogue -> its value on a column, none where missing."""


def compare(
    sides: Sequence[Side],
    scales: Mapping[str, Scale] | None = None,
    baseline: Side | None = None,
    allow_different_judges: bool = False,
) -> list[Comparison]:
    """Every other side against the baseline (the first one), by judge, people with and without a need apart.

    Raises CocoonError where sides cannot be paired, or were judged differently and that is not allowed.
    """
    if len(sides) < 2:
        raise CocoonError("a comparison needs two supporters; give a second run, or a run that holds several")
    first = baseline or sides[0]
    return [
        made
        for second in sides
        if second is not first
        for made in compare_two(first, second, scales or {}, allow_different_judges)
    ]


def compare_two(first: Side, second: Side, scales: Mapping[str, Scale], allow: bool = False) -> list[Comparison]:
    """Comparisons of two sides, one for every judge that they share and for people with and without a need."""
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
    for need, has in ((WITH_NEED, True), (WITHOUT_NEED, False)):
        part = Pairing(
            tuple(pair for pair in pairing.pairs if (first.people[pair.units[0][0]].need is not None) == has),
            frozenset(node for node in pairing.alone_first if (first.people[node].need is not None) == has),
            frozenset(node for node in pairing.alone_second if (second.people[node].need is not None) == has),
        )
        if part.pairs:
            parts[need] = part
    return parts


def _comparison(
    first: Side, second: Side, pairing: Pairing, need: str, found: Match, scales: Mapping[str, Scale]
) -> Comparison:
    return Comparison(
        first=first.name,
        second=second.name,
        judge=" / ".join(dict.fromkeys(found.judges)),
        need=need,
        pairs=len(pairing.pairs),
        crossed=sum(pair.crosses for pair in pairing.pairs),
        unpaired_first=len(pairing.alone_first),
        unpaired_second=len(pairing.alone_second),
        prompts=prompt_lines([found.first, found.second]),
        notes=[*found.notes, *([UNEVEN] if _uneven(first, second, pairing.pairs) else [])],
        effects=_corrected(
            [_effect(first, second, pairing.pairs, found, one) for one in _columns(first, found, scales)]
        ),
    )


def _uneven(first: Side, second: Side, pairs: Sequence[Pair]) -> bool:
    units = (unit for pair in pairs for unit in pair.units)
    return any(len(first.dialogues[one]) != len(second.dialogues[other]) for one, other in units)


def _corrected(effects: Sequence[Effect]) -> list[Effect]:
    corrected = holm([effect.significance.p if effect.significance else None for effect in effects])
    return [effect.model_copy(update={"p_holm": p}) for effect, p in zip(effects, corrected, strict=True)]


def _columns(side: Side, found: Match, scales: Mapping[str, Scale]) -> list[Column]:
    """Success rates, the columns of the paper's Table 3, then all other dimensions that were rated."""
    better: dict[tuple[str, str], Literal["higher", "lower"]] = {
        (scale.id, one.id): one.better for scale in scales.values() for one in scale.dimensions
    }
    main = {(one.scale, one.dimension): (one.label, one.digits) for one in MEASURES}
    names = {(rating.scale, name) for rating in side.ratings for name in rating.dimensions}
    others = {name: (" ".join(name), 2) for name in sorted(names - main.keys())}
    columns = [
        _column(name, label, digits, better.get(name, "higher")) for name, (label, digits) in (main | others).items()
    ]
    rated = {scale for scale, _ in found.first}
    return [column for column in (*RATES, *columns) if column.scale in rated]


def _column(name: tuple[str, str], label: str, digits: int, better: Literal["higher", "lower"]) -> Column:
    return Column(label=label, scale=name[0], dimension=name[1], better=better, digits=digits)


def _effect(first: Side, second: Side, pairs: Sequence[Pair], found: Match, column: Column) -> Effect:
    here = _values(first, found.judges[0], found.first, column)
    there = _values(second, found.judges[1], found.second, column)
    units: Units = [
        [(_draws(first.dialogues[one], here), _draws(second.dialogues[other], there)) for one, other in pair.units]
        for pair in pairs
    ]
    return effect_of(column, units)


def _draws(dialogues: Sequence[str], values: Values) -> Draws:
    return [values.get(name) for name in dialogues]


def _values(side: Side, judge: str, chosen: Mapping[tuple[str, Language], tuple[str, str]], column: Column) -> Values:
    """The mean or the majority of the votes that count; of a vote that stands twice, the later one."""
    language: dict[str, Language] = {name: node[0] for node, some in side.dialogues.items() for name in some}
    votes: dict[str, dict[int, Rating]] = defaultdict(dict)
    for one in side.ratings:
        version = chosen.get((column.scale, language[one.dialogue]))
        if (one.scale, one.judge, (one.prompt_id, one.prompt_sha)) == (column.scale, judge, version):
            votes[one.dialogue][one.vote] = one
    value = mean_of_votes(column.dimension) if column.dimension else majority
    return {name: value(list(some.values())) for name, some in votes.items()}
