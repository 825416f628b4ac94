"""The figures of a run's report, made from the same groups and summaries as its tables."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from cocoon.core.records import Language, Rating
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.groups import Group, Groups, mean_of_votes
from cocoon.evaluation.questions.detection import pooled
from cocoon.evaluation.scales.scoring import Scale
from cocoon.evaluation.statistics.estimates import LEVEL, Estimate, mean_over_profiles, student_quantile
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.reports.charts import records as chart
from cocoon.reports.charts.scales import scale_figures
from cocoon.reports.charts.words import word
from cocoon.reports.tables.dialogues import by_supporter
from cocoon.reports.tables.scores import mean_of, rate_of

MOST_BARS = 40
MOST_SERIES = 6
_COMFORT = "comfort"
_AFFECTIVE = "affective_improvement"
_NEGATIVE = "negative_helper_evaluation"
Measure = Callable[[DialogueFacts, int], float | None]
_ASKING = ("open", "closed", "tag", "probe", "rhetorical")


def run_figures(
    groups: Groups,
    dialogues: Sequence[DialogueFacts],
    language: Language = "en",
    scales: Mapping[str, Scale] | None = None,
) -> list[chart.Figure]:
    """Return all figures of a run, in the order of the report. A figure without data says so.

    `scales` gives the names and ranges of scales of one's own.
    """
    return [
        chart.Figure(id="success", chart=success_chart(groups, len(dialogues), language)),
        chart.Figure(id="comfort_by_questions", chart=comfort_chart(groups, dialogues, language)),
        *scale_figures(groups, group_names(groups), scales or {}, language),
        chart.Figure(id="opening", chart=opening_chart(dialogues, language)),
        chart.Figure(id="turns", chart=turns_chart(dialogues, language)),
        chart.Figure(id="questions", chart=questions_chart(dialogues, language)),
        chart.Figure(id="missing", chart=missing_chart(groups, len(dialogues), language)),
    ]


def group_names(groups: Sequence[Group]) -> list[str]:
    """Return a name for each group: its supporter, and those parts of its key that differ between groups."""
    columns = list(zip(*(group.key.labels for group in groups), strict=True))
    naming_columns = [index for index, column in enumerate(columns) if index == 0 or len(set(column)) > 1]
    return [" · ".join(group.key.labels[index] for index in naming_columns) for group in groups]


def _note_with_limit(note: str, drawn_count: int, total: int, language: Language) -> str:
    return f"{note} {word('more', language, shown=drawn_count, whole=total)}" if total > drawn_count else note


def success_chart(groups: Groups, dialogues: int, language: Language) -> chart.BarChart:
    """Return the success rate in both modes, a bar per group."""
    bars = [
        _success_bar(f"{word(mode, language)}: {name}", rate, language)
        for name, group in zip(group_names(groups), groups, strict=True)
        for mode in (PAPER, ATTRIBUTED)
        if isinstance(rate := rate_of(group, mode), Estimate)
    ]
    return chart.BarChart(
        title=word("success", language),
        axis=word("success_axis", language),
        note=_note_with_limit(word("success_note", language), MOST_BARS, len(bars), language),
        empty=word("success_empty", language, n=dialogues),
        language=language,
        bars=bars[:MOST_BARS],
    )


def _success_bar(name: str, rate: Estimate, language: Language) -> chart.Bar:
    counts = word("counts", language, n=rate.n, missing=rate.missing)
    remark = counts if rate.value is None else f"{rate.value:.2f}, {counts}"
    return chart.Bar(name=name, value=rate.value, low=rate.low, high=rate.high, remark=remark)


def comfort_chart(groups: Groups, dialogues: Sequence[DialogueFacts], language: Language) -> chart.PanelChart:
    """Return comfort against the measured question ratio: a mark per group.

    Both values have their intervals.
    """
    by_id = {summary.id: summary for summary in dialogues}
    named = [pair for pair in zip(group_names(groups), groups, strict=True) if _COMFORT in pair[1].ratings]
    charted = named[:MOST_SERIES]
    panels = [
        chart.Panel(
            title=word(title, language),
            x_axis=word("ratio_axis", language),
            y_axis=word(f"{title}_axis", language),
            x_range=(0, 1),
            y_range=ends,
            series=[_comfort_series(name, group, dimension, by_id) for name, group in charted],
        )
        for title, dimension, ends in (("affective", _AFFECTIVE, (1.0, 7.0)), ("negative", _NEGATIVE, (0.0, 6.0)))
    ]
    return chart.PanelChart(
        title=word("comfort", language),
        note=_note_with_limit(word("comfort_note", language), MOST_SERIES, len(named), language),
        empty=word("comfort_empty", language, n=len(dialogues)),
        language=language,
        panels=panels,
    )


def _comfort_series(name: str, group: Group, dimension: str, dialogues: Mapping[str, DialogueFacts]) -> chart.Series:
    votes = group.by_dialogue(_COMFORT)
    ratios: dict[str, list[float | None]] = defaultdict(list)
    cloud = list[tuple[float, float]]()
    for dialogue_votes in votes:
        ratio = _ratio(dialogues.get(dialogue_votes[0].dialogue))
        ratios[dialogue_votes[0].profile].append(ratio)
        value = _flip_negative(mean_of_votes(dimension)(dialogue_votes), dimension)
        if ratio is not None and value is not None:
            cloud.append((ratio, value))
    x, y = mean_over_profiles(ratios), mean_of(group, _COMFORT, dimension)
    low, high = sorted(
        (_flip_negative(y.low, dimension), _flip_negative(y.high, dimension)), key=lambda end: (end is None, end)
    )
    mark = chart.Mark(
        x=x.value, x_low=x.low, x_high=x.high, y=_flip_negative(y.value, dimension), low=low, high=high, n=y.n
    )
    return chart.Series(name=name, marks=[mark], cloud=sorted(cloud))


def _ratio(dialogue: DialogueFacts | None) -> float | None:
    return dialogue.questions.ratio if dialogue and dialogue.questions else None


def _flip_negative(value: float | None, dimension: str) -> float | None:
    """Return Neg as in the paper's Figure 4, which is 7 − Neg, and any other dimension unchanged."""
    return 7 - value if value is not None and dimension == _NEGATIVE else value


def opening_chart(dialogues: Sequence[DialogueFacts], language: Language) -> chart.PanelChart:
    """Return how far guarded users had opened, and how far they trusted, by round."""
    guarded = by_supporter(summary for summary in dialogues if summary.unlocked is not None)
    names = _side_names(list(guarded))
    charted = list(zip(names, guarded.values(), strict=True))[:MOST_SERIES]
    disclosed = [chart.Series(name=name, marks=_marks_by_round(group, _disclosed)) for name, group in charted]
    trusted = [chart.Series(name=name, marks=_marks_by_round(group, _trusted)) for name, group in charted]
    x_axis = word("round_axis", language)
    return chart.PanelChart(
        title=word("opening", language),
        note=_note_with_limit(word("opening_note", language), MOST_SERIES, len(names), language),
        empty=word("opening_empty", language, n=len(dialogues)),
        language=language,
        lines=True,
        panels=[
            chart.Panel(
                title=word("disclosure", language),
                x_axis=x_axis,
                y_axis=word("disclosure_axis", language),
                y_range=(0, 1),
                series=disclosed,
            ),
            chart.Panel(
                title=word("trust", language), x_axis=x_axis, y_axis=word("trust_axis", language), series=trusted
            ),
        ],
    )


def _side_names(keys: Sequence[tuple[str, str]]) -> list[str]:
    """Return the supporters, with their language where there is more than one."""
    several = len({language for _, language in keys}) > 1
    return [f"{supporter} · {language}" if several else supporter for supporter, language in keys]


def _disclosed(dialogue: DialogueFacts, number: int) -> float | None:
    return sum(first <= number for first in (dialogue.unlocked or {}).values()) / max(dialogue.nodes, 1)


def _trusted(dialogue: DialogueFacts, number: int) -> float | None:
    return dialogue.trust[number - 1] if dialogue.trust else None


def _marks_by_round(dialogues: Sequence[DialogueFacts], value: Measure) -> list[chart.Mark]:
    last = max((dialogue.rounds for dialogue in dialogues), default=0)
    return [
        _round_mark(number, [dialogue for dialogue in dialogues if dialogue.rounds >= number], value)
        for number in range(1, last + 1)
    ]


def _round_mark(number: int, dialogues: Iterable[DialogueFacts], value: Measure) -> chart.Mark:
    by_profile: dict[str, list[float]] = defaultdict(list)
    for dialogue in dialogues:
        measured = value(dialogue, number)
        if measured is not None:
            by_profile[dialogue.profile].append(measured)
    means = [math.fsum(profile_values) / len(profile_values) for profile_values in by_profile.values()]
    low, high = t_interval(means)
    middle = math.fsum(means) / len(means) if means else None
    return chart.Mark(x=number, y=middle, low=low, high=high, n=sum(map(len, by_profile.values())))


def t_interval(means: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    """Return the 95% interval of a mean by Student's t, None for fewer than two values.

    A chart has too many points for a bootstrap.
    """
    n = len(means)
    if n < 2:
        return None, None
    middle = math.fsum(means) / n
    spread = math.sqrt(math.fsum((mean - middle) ** 2 for mean in means) / (n - 1) / n)
    half = student_quantile(0.5 + LEVEL / 2, n - 1) * spread
    return middle - half, middle + half


def turns_chart(dialogues: Sequence[DialogueFacts], language: Language) -> chart.HistogramChart:
    """Return how many turns dialogues have, a strip per supporter and language."""
    sides = by_supporter(dialogues)
    rows = [
        chart.HistogramRow(name=name, counts=_counts(len(dialogue.roles) for dialogue in group))
        for name, group in zip(_side_names(list(sides)), sides.values(), strict=True)
    ]
    return chart.HistogramChart(
        title=word("turns", language),
        axis=word("turns_axis", language),
        note=_note_with_limit(word("turns_note", language), MOST_SERIES, len(rows), language),
        empty=word("turns_empty", language),
        language=language,
        rows=rows[:MOST_SERIES],
    )


def _counts(values: Iterable[int]) -> dict[int, int]:
    return {value: sum(1 for _ in equal_values) for value, equal_values in groupby(sorted(values))}


def questions_chart(dialogues: Sequence[DialogueFacts], language: Language) -> chart.StackChart:
    """Return the supporter's sentences that ask, by type, as shares of all of them."""
    sides = by_supporter(dialogues)
    rows = [
        _question_row(name, group, language)
        for name, group in zip(_side_names(list(sides)), sides.values(), strict=True)
    ]
    return chart.StackChart(
        title=word("questions", language),
        parts=[word(kind, language) for kind in _ASKING],
        axis=word("questions_axis", language),
        note=_note_with_limit(word("questions_note", language), MOST_BARS, len(rows), language),
        empty=word("questions_empty", language, n=len(dialogues)),
        language=language,
        rows=rows[:MOST_BARS],
    )


def _question_row(name: str, dialogues: Iterable[DialogueFacts], language: Language) -> chart.StackRow:
    types = pooled(dialogue.questions for dialogue in dialogues if dialogue.questions is not None).types
    total = sum(types.values())
    values = [types[kind] / total if total else None for kind in _ASKING]
    return chart.StackRow(name=name, values=values, remark=word("sentences", language, n=f"{total:,}"))


def missing_chart(groups: Groups, dialogues: int, language: Language) -> chart.StackChart:
    """Return by scale the ratings that are complete, that lack some or all values, and that failed."""
    states: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for group in groups:
        for scale in group.ratings:
            for rating in group.applicable(scale):
                states[scale][_state(rating)] += 1
            states[scale][3] += len(group.lost.get(scale, []))
    rows = [
        chart.StackRow(
            name=scale,
            values=[count / total for count in counts],
            remark=word("ratings", language, n=f"{total:,}"),
        )
        for scale, counts in sorted(states.items())
        if (total := sum(counts))
    ]
    return chart.StackChart(
        title=word("missing", language),
        parts=[word(name, language) for name in ("complete", "partly", "nothing", "lost")],
        quiet=0,
        full=True,
        axis=word("missing_axis", language),
        note=word("missing_note", language),
        empty=word("missing_empty", language, n=dialogues),
        language=language,
        rows=rows,
    )


def _state(rating: Rating) -> int:
    """Return 0 for a complete rating, 1 where some values are missing, 2 where all are missing."""
    if rating.verdict is not None:
        return 2 if rating.verdict.success is None else 0
    known = sum(value is not None for value in rating.items.values())
    if not known:
        return 2
    return 0 if known == len(rating.items) else 1
