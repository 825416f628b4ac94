"""Figure 3 of the paper from profiles: scenarios, emotions, and difficulty by length of the chain."""

from collections.abc import Mapping

from cocoon.core.records import Language
from cocoon.evaluation.text.profiles import UNRATED, ProfileFigures
from cocoon.reports.charts.records import AnyChart, Bar, BarChart, StackChart, StackRow
from cocoon.reports.charts.words import word

_MOST_BARS = 20
_LEVELS = ("1", "2", "3", "4", "5")


def profile_charts(figures: ProfileFigures, language: Language = "en") -> list[AnyChart]:
    """Return the three parts of Figure 3."""
    return [
        _shares_chart("scenarios", figures.scenarios, figures.profiles, language),
        _shares_chart("emotions", figures.emotions, figures.profiles, language),
        _difficulty_chart(figures, language),
    ]


def _shares_chart(name: str, counts: Mapping[str, int], total: int, language: Language) -> BarChart:
    charted = list(counts.items())[:_MOST_BARS]
    highest = max((count for _, count in charted), default=0) / max(total, 1)
    more = word("more", language, shown=len(charted), whole=len(counts)) if len(counts) > len(charted) else ""
    bars = [
        Bar(name=category, value=count / total, remark=f"{count:,}, {100 * count / total:.1f}%")
        for category, count in charted
    ]
    return BarChart(
        title=word(name, language),
        note=more,
        axis=word("profiles_axis", language),
        empty=word("profiles_empty", language, n=total),
        language=language,
        range=(0, min(1.0, highest * 1.1) or 1.0),
        percent=True,
        counted=True,
        bars=bars,
    )


def _difficulty_chart(figures: ProfileFigures, language: Language) -> StackChart:
    levels: list[str] = (
        [*_LEVELS, UNRATED] if any(UNRATED in counts for counts in figures.difficulty.values()) else list(_LEVELS)
    )
    return StackChart(
        title=word("difficulty", language),
        note=word("difficulty_note", language),
        parts=[word("unrated", language) if level == UNRATED else level for level in levels],
        axis=word("profiles_axis", language),
        empty=word("profiles_empty", language, n=figures.profiles),
        language=language,
        full=True,
        ordered=True,
        quiet=len(_LEVELS) if UNRATED in levels else None,
        rows=[_steps_row(steps, counts, levels, language) for steps, counts in figures.difficulty.items()],
    )


def _steps_row(steps: int, counts: Mapping[str, int], levels: list[str], language: Language) -> StackRow:
    total = sum(counts.values())
    return StackRow(
        name=word("step" if steps == 1 else "steps", language, n=steps),
        values=[counts.get(level, 0) / total for level in levels],
        remark=word("ratings", language, n=f"{total:,}"),
    )
