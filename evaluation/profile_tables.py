"""Figures of profiles as tables: Figure 3 in numbers, and the paper's Table 8 with its own rows beside ours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cocoon.core.records import Language
from cocoon.evaluation.diversity import METRICS, Diversity, DrawnDiversity
from cocoon.evaluation.paper_report import SOURCE_NOTE
from cocoon.evaluation.paper_tables import load_paper_table, paper_cells
from cocoon.evaluation.profile_statistics import ProfileFigures
from cocoon.evaluation.statistics import Estimate
from cocoon.evaluation.tables import NOTHING, Cell, Report, Row, Table

_COLUMNS = ("BLEU-2", "BLEU-4", "D-2", "Shannon entropy")
_DIGITS = {"BLEU-2": 3, "BLEU-4": 3, "D-2": 3, "Shannon entropy": 2}


@dataclass(frozen=True)
class Measured:
    """Diversity of the texts of one file in one language, of all of them and of equal draws."""

    corpus: str
    language: Language
    whole: Diversity
    drawn: DrawnDiversity | None


def profile_report(sets: Mapping[str, ProfileFigures], measured: Sequence[Measured], like: bool = False) -> Report:
    """File -> figures as a report; `like`: the paper's Table 8 alone, with its rows below ours."""
    if like:
        return Report(title=_title(sets), tables=[like_table8(measured)], notes=[SOURCE_NOTE])
    tables = [_main(sets), _names(sets, "scenarios", "Scenarios"), _names(sets, "emotions", "Emotions")]
    tables += [_difficulty(sets), _diversity(measured)]
    return Report(title=_title(sets), tables=[table for table in tables if table.rows])


def _title(sets: Mapping[str, ProfileFigures]) -> str:
    return f"Profiles: {', '.join(sets)}"


def _main(sets: Mapping[str, ProfileFigures]) -> Table:
    rows = [Row(labels=[name], cells=_cells(one)) for name, one in sets.items()]
    return Table(
        id="profiles",
        title="Profiles",
        keys=["File"],
        measures=list(rows[0].cells) if rows else [],
        digits={"memories per profile": 1},
        rows=rows,
    )


def _cells(one: ProfileFigures) -> dict[str, Cell]:
    memories = sum(number * count for number, count in one.memories.items())
    return {
        "profiles": one.profiles,
        "languages": ", ".join(f"{name} {count}" for name, count in one.languages.items()) or NOTHING,
        "with need": one.with_need,
        "with feeling": one.with_feeling,
        "translations": one.translations,
        "memories per profile": memories / one.profiles if one.profiles else None,
        "licences": ", ".join(f"{name} {count}" for name, count in one.licences.items()) or NOTHING,
    }


def _names(sets: Mapping[str, ProfileFigures], field: str, title: str) -> Table:
    rows = [
        Row(labels=[file, name], cells={"profiles": count, "share": count / one.profiles})
        for file, one in sets.items()
        for name, count in getattr(one, field).items()
    ]
    return Table(id=field, title=title, keys=["File", title], measures=["profiles", "share"], rows=rows)


def _difficulty(sets: Mapping[str, ProfileFigures]) -> Table:
    levels = sorted({level for one in sets.values() for some in one.difficulty.values() for level in some})
    rows = [
        Row(labels=[file, str(steps)], cells={level: some.get(level, 0) for level in levels})
        for file, one in sets.items()
        for steps, some in one.difficulty.items()
    ]
    return Table(
        id="difficulty",
        title="Reasoning difficulty by length of the chain",
        keys=["File", "Steps"],
        measures=levels,
        rows=rows,
        note="Steps after the first need; difficulty of the last need as the profile states it.",
    )


def _diversity(measured: Iterable[Measured]) -> Table:
    rows = [row for one in measured for row in _diversity_rows(one)]
    return Table(
        id="diversity",
        title="Diversity of descriptions",
        keys=["File", "Language", "Texts"],
        measures=list(_COLUMNS),
        digits=dict(_DIGITS),
        rows=rows,
        note=_how(measured),
    )


def like_table8(measured: Sequence[Measured]) -> Table:
    """Rows of ours, of all texts and of equal draws, above the paper's."""
    paper = load_paper_table("table8")
    ours = [
        row.model_copy(update={"labels": ["ours", *row.labels]}) for one in measured for row in _diversity_rows(one)
    ]
    theirs = [Row(labels=["paper", *row.labels, NOTHING, NOTHING], cells=paper_cells(paper, row)) for row in paper.rows]
    return Table(
        id="like_paper",
        title=f"Like {paper.place} of the paper: {paper.title}",
        keys=["Source", *paper.keys, "Language", "Texts"],
        measures=list(_COLUMNS),
        digits=dict(_DIGITS),
        rows=[*ours, *theirs],
        note=" ".join([_how(measured), *paper.notes]),
    )


def _diversity_rows(one: Measured) -> list[Row]:
    whole: dict[str, Cell] = dict(zip(_COLUMNS, one.whole.values.values(), strict=True))
    rows = [Row(labels=[one.corpus, one.language, f"all {one.whole.texts}"], cells=whole)]
    if one.drawn is not None and one.drawn.draws > 1:
        label = f"{one.drawn.texts}, {one.drawn.draws} draws"
        rows.append(Row(labels=[one.corpus, one.language, label], cells=_drawn_cells(one.drawn)))
    return rows


def _drawn_cells(one: DrawnDiversity) -> dict[str, Cell]:
    return {
        column: Estimate(value=one.mean[name], low=one.low[name], high=one.high[name], n=one.texts)
        for column, name in zip(_COLUMNS, METRICS, strict=True)
    }


def _how(measured: Iterable[Measured]) -> str:
    rule = next((one.whole.tokenisation for one in measured), "")
    return (
        "BLEU: of each text against all others of its row, mean over texts (Self-BLEU), lower is more diverse. D-2: "
        "different bigrams / bigrams, pooled. Entropy: of pooled tokens, in bits. All four depend on the number of "
        "texts and on the language: compare rows of one number and one language. Draws: mean and middle 95% of random "
        f"subsets. Tokens: {rule}."
    )
