"""What a run found, in sentences that carry their uncertainty."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cocoon.core.records import Failure, Language, Rating
from cocoon.evaluation.comparison.effects import Units, effect_of
from cocoon.evaluation.comparison.records import Column
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.groups import Group, Groups, majority, mean_of_votes
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.success.rate import sr_bounds
from cocoon.evaluation.success.verdicts import PAPER
from cocoon.reports.narrative.abbreviations import short_names
from cocoon.reports.narrative.phrases import phrase
from cocoon.reports.tables.scores import mean_of, rate_of

COMFORT, AFFECTIVE = "comfort", "affective_improvement"
_SUPPORTERS_NAMED = 6


def compared(dialogues: Sequence[DialogueFacts], language: Language) -> str:
    """Return in one sentence what the run holds."""
    supporters = sorted({dialogue.supporter for dialogue in dialogues})
    names = phrase("listed", language).join(supporters[:_SUPPORTERS_NAMED]) + (
        " …" if len(supporters) > _SUPPORTERS_NAMED else ""
    )
    profiles = {dialogue.profile for dialogue in dialogues}
    counts = {
        "dialogues": _counted(len(dialogues), "dialogue", "dialogues", language),
        "profiles": _counted(len(profiles), "simulated person", "simulated people", language),
        "supporters": _counted(len(supporters), "supporter", "supporters", language),
    }
    return phrase("compared", language, **counts, names=names or phrase("none", language))


def _counted(number: int, thing: str, things: str, language: Language) -> str:
    return str(number) if language == "zh" else f"{number:,} {thing if number == 1 else things}"


def findings(groups: Groups, failures: Iterable[Failure], language: Language) -> list[str]:
    """Return the results in sentences: success, comfort, and what is missing.

    The combination of judge, language and prompts with the most ratings is told. The others are counted.
    """
    strata = _strata(groups)
    if not strata:
        return [phrase("unjudged", language)]
    first, *others = strata
    results = [line for measure in (_SUCCESS, _AFFECTIVE) if (line := _sentences(first, measure, language))]
    results.append(_missing(first, failures, language))
    if others:
        key = first[0].key
        names = {"judge": short_names([key.judge])[key.judge], "spoken": key.language, "prompts": key.prompts}
        results[0] = phrase("stratum", language, **names) + results[0]
        results.append(phrase("more_strata", language, n=len(others)))
    return results


def _strata(groups: Groups) -> list[Groups]:
    strata: dict[tuple[str, ...], Groups] = defaultdict(list)
    for group in groups:
        if any(group.applicable(scale) for scale in group.ratings):
            strata[group.key.judge, group.key.language, group.key.prompts].append(group)
    return sorted(strata.values(), key=lambda stratum: -sum(map(_size, stratum)))


def _size(group: Group) -> int:
    return sum(len(group.applicable(scale)) for scale in group.ratings)


@dataclass(frozen=True)
class _Measure:
    """A measure of groups: how it is read of a group, its draws, and how its numbers are written."""

    column: Column
    phrases: str
    estimate: Callable[[Group], Estimate | None]
    value: Callable[[list[Rating]], float | None]
    written: Callable[[float], str]
    gap: Callable[[float], str]
    unit: str


def _rate(group: Group) -> Estimate | None:
    rate = rate_of(group, PAPER)
    return rate if isinstance(rate, Estimate) else None


_SUCCESS = _Measure(
    column=Column(label="SR", scale=PAPER),
    phrases="success",
    estimate=_rate,
    value=majority,
    written=lambda value: f"{100 * value:.0f}%",
    gap=lambda value: f"{100 * value:.0f}",
    unit="points",
)
_AFFECTIVE = _Measure(
    column=Column(label="Aff", scale=COMFORT, dimension=AFFECTIVE),
    phrases="comfort",
    estimate=lambda group: mean_of(group, COMFORT, AFFECTIVE) if group.applicable(COMFORT) else None,
    value=mean_of_votes(AFFECTIVE),
    written=lambda value: f"{value:.1f}",
    gap=lambda value: f"{value:.2f}",
    unit="scale_points",
)


def _sentences(stratum: Groups, measure: _Measure, language: Language) -> str:
    """Return the highest and the lowest supporter in the order of the table, and their difference on the same people.

    The text is empty where no supporter has a value.
    """
    known = [
        (estimate.value, group, estimate)
        for group in stratum
        if (estimate := measure.estimate(group)) is not None and estimate.value is not None
    ]
    if not known:
        return ""
    ranked = sorted(known, key=lambda entry: (-entry[0], entry[1].key))
    ends = sorted({0, len(ranked) - 1}, key=lambda end: ranked[end][1].key)
    described = [
        {
            "name": group.key.supporter,
            "value": measure.written(value),
            "n": estimate.n,
            "interval": interval(estimate, measure.written, language),
        }
        for value, group, estimate in (ranked[end] for end in ends)
    ]
    if len(ranked) == 1:
        return phrase(f"{measure.phrases}_one", language, **described[0])
    second = {f"second_{key}": text for key, text in described[1].items()}
    both = phrase(f"{measure.phrases}_two", language, **described[0], **second)
    parts = [both, _difference(ranked[-1][1], ranked[0][1], measure, language)]
    if len(ranked) > 2:
        parts.append(phrase("after_the_fact", language, n=len(ranked)))
    return (" " if language == "en" else "").join(filter(None, parts))


def _difference(low: Group, high: Group, measure: _Measure, language: Language) -> str:
    """Return by how much one supporter is above another on the people that both spoke with."""
    first, second = (group.draws(measure.column.scale, measure.value) for group in (low, high))
    people: Units = [[(first[name], second[name])] for name in first if name in second]
    if not people:
        return ""
    gap = effect_of(measure.column, people).difference
    if gap.value is None:
        return ""
    names = {"name": high.key.supporter, "last": low.key.supporter, "n": gap.n}
    if gap.value < 0:
        # On the people that both spoke with, the order may be another than over all people.
        names |= {"name": low.key.supporter, "last": high.key.supporter}
        gap = gap.model_copy(update={"value": -gap.value, "low": _negated(gap.high), "high": _negated(gap.low)})
    between = interval(gap, measure.gap, language)
    if gap.value == 0:
        return phrase("equal", language, **names, interval=between)
    if gap.low is None or gap.high is None:
        key = "no_interval_difference"
    else:
        key = "unclear" if gap.low <= 0 <= gap.high else "clear"
    difference = phrase(measure.unit, language, value=measure.gap(gap.value or 0))
    return phrase(key, language, **names, difference=difference, interval=between)


def _negated(value: float | None) -> float | None:
    return None if value is None else -value


def interval(estimate: Estimate, written: Callable[[float], str], language: Language) -> str:
    """Return the interval of an estimate in words."""
    if estimate.low is None or estimate.high is None:
        return phrase("no_interval", language)
    return phrase("interval", language, low=written(estimate.low), high=written(estimate.high))


def _missing(stratum: Groups, failures: Iterable[Failure], language: Language) -> str:
    """Return how much is missing, and between what bounds that leaves the success rate."""
    ratings = [rating for group in stratum for scale in group.ratings for rating in group.applicable(scale)]
    lost = sum(len(dialogues) for group in stratum for dialogues in group.lost.values())
    missing = sum(map(_lacks, ratings)) + lost
    unfinished = len({failure.dialogue for failure in failures if failure.stage == "conversation"})
    end = phrase("failed", language, n=unfinished) if unfinished else ""
    if not missing:
        return f"{phrase('nothing_missing', language)} {end}".strip()
    sentence = phrase("missing", language, missing=missing, all=len(ratings) + lost)
    bounds = [(sr_bounds(group.draws(PAPER, majority)), group.key.supporter) for group in stratum]
    wide = [(ends.high - ends.low, ends, name) for ends, name in bounds if ends is not None and ends.low < ends.high]
    if wide:
        _, ends, name = max(wide, key=lambda entry: (entry[0], entry[2]))
        written = {"low": _SUCCESS.written(ends.low), "high": _SUCCESS.written(ends.high)}
        sentence += phrase("missing_bounds", language, name=name, **written)
    return f"{sentence.strip()} {end}".strip()


def _lacks(rating: Rating) -> bool:
    if rating.verdict is not None:
        return rating.verdict.success is None
    return any(value is None for value in (*rating.items.values(), *rating.dimensions.values()))
