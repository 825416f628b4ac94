"""Figures of profiles as tables: Figure 3 in numbers, and Table 8 of the paper with its rows beside ours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cocoon.core.records import Language
from cocoon.evaluation.statistics.estimates import Estimate
from cocoon.evaluation.text.diversity import METRICS, Diversity, DrawnDiversity
from cocoon.evaluation.text.profiles import ProfileFigures
from cocoon.reports.paper.report import SOURCE_NOTE
from cocoon.reports.paper.tables import load_paper_table, paper_cells
from cocoon.reports.tables.records import NOTHING, Cell, Report, Row, Table

_COLUMNS = ("BLEU-2", "BLEU-4", "D-2", "Shannon entropy")
_DIGITS = {"BLEU-2": 3, "BLEU-4": 3, "D-2": 3, "Shannon entropy": 2}


@dataclass(frozen=True)
class Measured:
    """Diversity of the texts of one file in one language, for all of them and for equal draws."""

    corpus: str
    language: Language
    whole: Diversity
    drawn: DrawnDiversity | None


def profile_report(sets: Mapping[str, ProfileFigures], measured: Sequence[Measured], like: bool = False) -> Report:
    """Return the figures of each file as a report.

    `like`: only the paper's Table 8, with its rows below ours.
    """
    if like:
        return Report(title=_title(sets), tables=[like_table8(measured)], notes=[SOURCE_NOTE])
    tables = [
        _profiles_table(sets),
        _names_table(sets, "scenarios", "Scenarios"),
        _names_table(sets, "emotions", "Emotions"),
    ]
    tables += [_difficulty_table(sets), _diversity_table(measured)]
    return Report(title=_title(sets), tables=[table for table in tables if table.rows])


def _title(sets: Mapping[str, ProfileFigures]) -> str:
    return f"Profiles: {', '.join(sets)}"


def _profiles_table(sets: Mapping[str, ProfileFigures]) -> Table:
    rows = [Row(labels=[name], cells=_profile_cells(figures)) for name, figures in sets.items()]
    return Table(
        id="profiles",
        title="Profiles",
        keys=["File"],
        measures=list(rows[0].cells) if rows else [],
        digits={"memories per profile": 1},
        rows=rows,
    )


def _profile_cells(figures: ProfileFigures) -> dict[str, Cell]:
    memories = sum(number * count for number, count in figures.memories.items())
    return {
        "profiles": figures.profiles,
        "languages": ", ".join(f"{name} {count}" for name, count in figures.languages.items()) or NOTHING,
        "with need": figures.with_need,
        "with feeling": figures.with_feeling,
        "translations": figures.translations,
        "memories per profile": memories / figures.profiles if figures.profiles else None,
        "licences": ", ".join(f"{name} {count}" for name, count in figures.licences.items()) or NOTHING,
    }


def _names_table(sets: Mapping[str, ProfileFigures], field: str, title: str) -> Table:
    rows = [
        Row(labels=[file, name], cells={"profiles": count, "share": count / figures.profiles})
        for file, figures in sets.items()
        for name, count in getattr(figures, field).items()
    ]
    return Table(id=field, title=title, keys=["File", title], measures=["profiles", "share"], rows=rows)


def _difficulty_table(sets: Mapping[str, ProfileFigures]) -> Table:
    levels = sorted({level for figures in sets.values() for counts in figures.difficulty.values() for level in counts})
    rows = [
        Row(labels=[file, str(steps)], cells={level: counts.get(level, 0) for level in levels})
        for file, figures in sets.items()
        for steps, counts in figures.difficulty.items()
    ]
    return Table(
        id="difficulty",
        title="Reasoning difficulty by length of the chain",
        keys=["File", "Steps"],
        measures=levels,
        rows=rows,
        note="Steps after the first need; difficulty of the last need as the profile states it.",
    )


def _diversity_table(measured: Iterable[Measured]) -> Table:
    rows = [row for corpus in measured for row in _diversity_rows(corpus)]
    return Table(
        id="diversity",
        title="Diversity of descriptions",
        keys=["File", "Language", "Texts"],
        measures=list(_COLUMNS),
        digits=dict(_DIGITS),
        rows=rows,
        note=_method_note(measured),
    )


def like_table8(measured: Sequence[Measured]) -> Table:
    """Return our rows, of all texts and of equal draws, above the paper's rows."""
    paper = load_paper_table("table8")
    ours = [
        row.model_copy(update={"labels": ["ours", *row.labels]})
        for corpus in measured
        for row in _diversity_rows(corpus)
    ]
    theirs = [Row(labels=["paper", *row.labels, NOTHING, NOTHING], cells=paper_cells(paper, row)) for row in paper.rows]
    return Table(
        id="like_paper",
        title=f"Like {paper.place} of the paper: {paper.title}",
        keys=["Source", *paper.keys, "Language", "Texts"],
        measures=list(_COLUMNS),
        digits=dict(_DIGITS),
        rows=[*ours, *theirs],
        note=" ".join([_method_note(measured), *paper.notes]),
    )


def _diversity_rows(measured: Measured) -> list[Row]:
    all_texts: dict[str, Cell] = dict(zip(_COLUMNS, measured.whole.values.values(), strict=True))
    rows = [Row(labels=[measured.corpus, measured.language, f"all {measured.whole.texts}"], cells=all_texts)]
    if measured.drawn is not None and measured.drawn.draws > 1:
        label = f"{measured.drawn.texts}, {measured.drawn.draws} draws"
        rows.append(Row(labels=[measured.corpus, measured.language, label], cells=_drawn_cells(measured.drawn)))
    return rows


def _drawn_cells(diversity: DrawnDiversity) -> dict[str, Cell]:
    return {
        column: Estimate(
            value=diversity.mean[name], low=diversity.low[name], high=diversity.high[name], n=diversity.texts
        )
        for column, name in zip(_COLUMNS, METRICS, strict=True)
    }


def _method_note(measured: Iterable[Measured]) -> str:
    rule = next((corpus.whole.tokenisation for corpus in measured), "")
    return (
        "BLEU: of each text against all others of its row, mean over texts (Self-BLEU), lower is more diverse. D-2: "
        "different bigrams / bigrams, pooled. Entropy: of pooled tokens, in bits. All four depend on the number of "
        "texts and on the language: compare rows of one number and one language. Draws: mean and middle 95% of random "
        f"subsets. Tokens: {rule}."
    )
