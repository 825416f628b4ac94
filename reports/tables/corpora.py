"""Figures of corpora as tables: the paper's Table 1 with its rows beside ours, and everything that was counted."""

from collections.abc import Mapping

from cocoon.evaluation.text.corpora import OTHERS, CorpusFigures
from cocoon.reports.paper.report import SOURCE_NOTE
from cocoon.reports.paper.tables import load_paper_table, paper_cells
from cocoon.reports.tables.records import NOTHING, Cell, Report, Row, Table

_LANGUAGES = {"zh": "Chinese", "en": "English"}
_MOST_ROWS = 12
_COUNTING = (
    "Average turns: runs of one speaker, two to a turn. Utterances as they stand in the records. One-sided: dialogues "
    "in which only one of the two speaks. Tokens: "
)


def figures_report(corpora: Mapping[str, CorpusFigures], like: bool = False) -> Report:
    """Return the figures of each corpus as a report.

    `like`: in the columns of the paper's Table 1, with its rows below ours.
    """
    notes = [SOURCE_NOTE] if like else []
    tables = [_like_table1(corpora)] if like else [_corpus_table(corpora), *_distributions(corpora)]
    return Report(title=f"Corpora: {', '.join(corpora)}", tables=tables, notes=notes)


def _like_table1(corpora: Mapping[str, CorpusFigures]) -> Table:
    paper = load_paper_table("table1")
    ours = [Row(labels=["ours", name], cells=_like_cells(figures)) for name, figures in corpora.items()]
    theirs = [Row(labels=["paper", *row.labels], cells=paper_cells(paper, row)) for row in paper.rows]
    return Table(
        id="like_paper",
        title=f"Like {paper.place} of the paper: {paper.title}",
        keys=["Source", *paper.keys],
        measures=[column.label for column in paper.columns],
        digits={column.label: column.digits for column in paper.columns},
        rows=[*ours, *theirs],
        note=" ".join(paper.notes),
    )


def _like_cells(figures: CorpusFigures) -> dict[str, Cell]:
    return {
        "Dialogues": figures.dialogues,
        "Avg turns": figures.average_turns,
        "Thought": "yes" if figures.with_thought else "no",
        "Strategy": figures.strategy_level,
        "Scenario": _supporter_openings(figures),
        "Language": ", ".join(_LANGUAGES.get(name, name) for name in figures.languages) or NOTHING,
    }


def _supporter_openings(figures: CorpusFigures) -> str:
    opened = sum(figures.opened_by.values())
    return f"supporter first in {100 * figures.opened_by['supporter'] / opened:.0f}%" if opened else NOTHING


def _corpus_table(corpora: Mapping[str, CorpusFigures]) -> Table:
    rows = [Row(labels=[name], cells=_corpus_cells(figures)) for name, figures in corpora.items()]
    rules = sorted({figures.tokenisation for figures in corpora.values()})
    return Table(
        id="corpus",
        title="Corpus",
        keys=["Corpus"],
        measures=list(rows[0].cells) if rows else [],
        digits=dict.fromkeys((f"{what} per {side} turn" for what in ("characters", "tokens") for side in _SIDES), 1),
        rows=rows,
        note=f"{_COUNTING}{'; '.join(rules)}.",
    )


_SIDES = ("user", "supporter")


def _corpus_cells(figures: CorpusFigures) -> dict[str, Cell]:
    per_turn: dict[str, Cell] = {
        f"{what} per {side} turn": values.get(side)
        for what, values in (("characters", figures.characters_per_turn), ("tokens", figures.tokens_per_turn))
        for side in _SIDES
    }
    return {
        "dialogues": figures.dialogues,
        "average turns": figures.average_turns,
        "utterances": figures.average_utterances,
        "of the user": figures.user_utterances,
        "of the supporter": figures.supporter_utterances,
        **per_turn,
        "one-sided": figures.one_sided,
        "opened by the supporter": figures.opened_by["supporter"],
        "with thought": figures.with_thought,
        "strategy": figures.strategy_level,
        "strategies": figures.strategies,
        "with need": figures.with_need,
    }


def _distributions(corpora: Mapping[str, CorpusFigures]) -> list[Table]:
    tables = [
        _distribution(corpora, "scenarios", "Scenarios"),
        _distribution(corpora, "emotions", "Emotions"),
        _distribution(corpora, "languages", "Languages"),
        _distribution(corpora, "licences", "Licences"),
    ]
    return [table for table in tables if table.rows]


def _distribution(corpora: Mapping[str, CorpusFigures], field: str, title: str) -> Table:
    rows = [
        Row(labels=[corpus, name], cells={"dialogues": count, "share": count / figures.dialogues})
        for corpus, figures in corpora.items()
        for name, count in _shortened(getattr(figures, field)).items()
    ]
    return Table(id=field, title=title, keys=["Corpus", title], measures=["dialogues", "share"], rows=rows)


def _shortened(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of the most frequent names, with the rest added up."""
    names = [name for name in counts if name != OTHERS]
    frequent = {name: counts[name] for name in names[:_MOST_ROWS]}
    rest = sum(counts.values()) - sum(frequent.values())
    more = "more than " if OTHERS in counts else ""
    return frequent | ({f"{more}{len(names) - len(frequent)} others": rest} if rest else {})
