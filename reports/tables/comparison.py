"""Comparisons as tables: one for each to read, and one tidy table of all for a spreadsheet."""

from collections.abc import Sequence

from cocoon.evaluation.comparison.records import Comparison, Effect
from cocoon.reports.tables.records import Cell, Report, Row, Table

NOTES = [
    "Every figure is over the people whose value is known on both sides, each counted once: votes of a judge, draws of "
    "a profile and translations of it (translation_of) are one person. B − A above 0 means that B is higher.",
    "A and B: value with 95% interval, n people, draws missing. B − A: n people, and missing are the people left out "
    "because one side has no value for them. A dialogue that nobody rated is missing too.",
    "Mean differences: expanded percentile bootstrap over people (Hesterberg 2015, 9,999 resamples, fixed seed), and a "
    "permutation test that swaps the two sides of whole people: exact up to 20 people that differ, otherwise 9,999 "
    "draws under a fixed seed.",
    "Success rates with one dialogue a person: Newcombe's paired interval (1998, method 10) and McNemar's exact test; "
    "its mid-p (Fagerland et al. 2013) stands beside it, uncorrected. With several dialogues of a person: as means.",
    "p (Holm) is corrected over the columns of one table, not over several tables (Holm 1979).",
    "Bounds: B − A with every missing verdict as whatever would hurt, and help, B most.",
]


def comparison_report(
    comparisons: Sequence[Comparison], warnings: Sequence[str], facts: list[tuple[str, str]]
) -> Report:
    """Return the comparisons as a report. Differences that were allowed are listed among the warnings."""
    allowed = [note for comparison in comparisons for note in comparison.notes if note.startswith("Different ")]
    return Report(
        title="Comparison",
        warnings=list(dict.fromkeys([*warnings, *allowed])),
        facts=facts,
        tables=[_table(comparison, number) for number, comparison in enumerate(comparisons, 1)],
        notes=NOTES,
    )


def _table(comparison: Comparison, number: int) -> Table:
    names = (f"A: {comparison.first}", f"B: {comparison.second}")
    rates = any(effect.bounds_difference for effect in comparison.effects)
    extra = ["A only, B only", "bounds of B − A"] if rates else []
    return Table(
        # An id may hold letters alone.
        id=f"comparison{'_next' * (number - 1)}",
        title=f"{comparison.second} (B) against {comparison.first} (A), judged by {comparison.judge}, "
        f"{comparison.need}",
        keys=["Column"],
        measures=[*names, "B − A", "p", "p (Holm)", "test", *extra],
        digits={name: 2 for name in names},
        rows=[Row(labels=[_label(effect)], cells=_cells(effect, names)) for effect in comparison.effects],
        note=_note_text(comparison),
    )


def _label(effect: Effect) -> str:
    return f"{effect.column.label} (lower is better)" if effect.column.better == "lower" else effect.column.label


def _cells(effect: Effect, names: tuple[str, str]) -> dict[str, Cell]:
    test = effect.significance
    cells: dict[str, Cell] = {
        names[0]: effect.first,
        names[1]: effect.second,
        "B − A": effect.difference,
        "p": _p(test.p if test else None),
        "p (Holm)": _p(effect.p_holm),
        "test": f"{test.test}, mid-p {_p(test.mid_p)}" if test and test.mid_p is not None else test and test.test,
        "bounds of B − A": effect.bounds_difference,
    }
    if effect.only_first is not None:
        cells["A only, B only"] = f"{effect.only_first}, {effect.only_second}"
    return cells


def _p(value: float | None) -> str | None:
    if value is None:
        return None
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def _note_text(comparison: Comparison) -> str:
    crossed = f", {comparison.crossed} of them across languages" if comparison.crossed else ""
    parts = [
        f"People on both sides: {comparison.pairs}{crossed}.",
        f"Profiles left out because one side alone has them: A {comparison.unpaired_first}, "
        f"B {comparison.unpaired_second}.",
        *comparison.notes,
        f"Prompts: {'; '.join(comparison.prompts) or 'none in common'}.",
    ]
    return " ".join(parts)


def comparison_rows(comparisons: Sequence[Comparison]) -> Table:
    """Return all comparisons in one table of plain numbers, one row per column compared."""
    return Table(
        id="compare",
        title="Comparison",
        keys=["A", "B", "Judge", "Need", "Column"],
        measures=[
            *("A", "B", "difference", "p", "p_holm", "mid_p", "test", "only_a", "only_b"),
            *("bounds_a", "bounds_b", "bounds_difference", "people", "unpaired_a", "unpaired_b"),
        ],
        rows=[
            Row(
                labels=[comparison.first, comparison.second, comparison.judge, comparison.need, effect.column.label],
                cells=_plain_cells(comparison, effect),
            )
            for comparison in comparisons
            for effect in comparison.effects
        ],
    )


def _plain_cells(comparison: Comparison, effect: Effect) -> dict[str, Cell]:
    test = effect.significance
    return {
        "A": effect.first,
        "B": effect.second,
        "difference": effect.difference,
        "p": test and test.p,
        "p_holm": effect.p_holm,
        "mid_p": test and test.mid_p,
        "test": test and test.test,
        "only_a": effect.only_first,
        "only_b": effect.only_second,
        "bounds_a": effect.bounds_first,
        "bounds_b": effect.bounds_second,
        "bounds_difference": effect.bounds_difference,
        "people": comparison.pairs,
        "unpaired_a": comparison.unpaired_first,
        "unpaired_b": comparison.unpaired_second,
    }
