"""A chart for every scale that the main table does not show, such as a user's own."""

from collections.abc import Mapping, Sequence

from cocoon.core.records import Language
from cocoon.evaluation.groups import Groups
from cocoon.evaluation.measures import MEASURES
from cocoon.evaluation.scales.scoring import Scale
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER
from cocoon.reports.charts.records import Bar, BarChart, Figure, Range
from cocoon.reports.charts.words import word
from cocoon.reports.tables.scores import mean_of

_SHOWN_ELSEWHERE = {PAPER, ATTRIBUTED, *(measure.scale for measure in MEASURES)}
_MOST_BARS = 40


def scale_figures(
    groups: Groups, names: Sequence[str], scales: Mapping[str, Scale], language: Language
) -> list[Figure]:
    """Return a figure for each scale of one's own, and of those that only some studies use. `names` are the groups'."""
    rated = sorted({scale for group in groups for scale in group.ratings if group.applicable(scale)} - _SHOWN_ELSEWHERE)
    return [
        Figure(id=f"scale_{_letters(number)}", chart=_chart(groups, names, scale, scales.get(scale), language))
        for number, scale in enumerate(rated)
    ]


def _letters(number: int) -> str:
    """Return a number as letters (a, b, ... z, ba), because an id of a figure has no digits."""
    high, low = divmod(number, 26)
    return (_letters(high) if high else "") + chr(ord("a") + low)


def _chart(groups: Groups, names: Sequence[str], name: str, scale: Scale | None, language: Language) -> BarChart:
    bars = [
        _bar(f"{_label(scale, dimension)}: {group_name}", mean_of(group, name, dimension), language)
        for dimension in _dimensions(groups, name)
        for group_name, group in zip(names, groups, strict=True)
        if group.applicable(name)
    ]
    low, high = _range(scale, bars)
    title = (getattr(scale.name, language) or scale.name.en or scale.name.zh) if scale else None
    return BarChart(
        title=title or name,
        axis=word("scale_axis", language, low=f"{low:g}", high=f"{high:g}"),
        note=word("scale_note", language),
        empty=word("scale_empty", language),
        language=language,
        range=(low, high),
        bars=bars[:_MOST_BARS],
    )


def _dimensions(groups: Groups, scale: str) -> list[str]:
    ratings = (rating for group in groups for rating in group.applicable(scale))
    return list(dict.fromkeys(name for rating in ratings for name in rating.dimensions))


def _label(scale: Scale | None, dimension: str) -> str:
    labels = {known.id: known.label for known in scale.dimensions} if scale else {}
    return labels.get(dimension, dimension)


def _bar(name: str, mean: Estimate, language: Language) -> Bar:
    counts = word("counts", language, n=mean.n, missing=mean.missing)
    remark = counts if mean.value is None else f"{mean.value:.2f}, {counts}"
    return Bar(name=name, value=mean.value, low=mean.low, high=mean.high, remark=remark)


def _range(scale: Scale | None, bars: Sequence[Bar]) -> Range:
    """Return the range of the scale's dimensions, or that of the values where the scale is not at hand."""
    if scale is not None:
        ends = [(scale.range[0] * part.multiply, scale.range[1] * part.multiply) for part in scale.dimensions]
        return min(low for low, _ in ends), max(high for _, high in ends)
    values = [value for bar in bars for value in (bar.value, bar.low, bar.high) if value is not None]
    return min([0, *values]), max([1, *values])
