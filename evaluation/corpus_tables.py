"""Figures of corpora as tables: the paper's Table 1 with its own rows beside ours, and all that was counted."""

from collections.abc import Mapping

from cocoon.evaluation.corpus_statistics import OTHERS, CorpusFigures
from cocoon.evaluation.paper_report import SOURCE_NOTE
from cocoon.evaluation.paper_tables import load_paper_table, paper_cells
from cocoon.evaluation.tables import NOTHING, Cell, Report, Row, Table

_LANGUAGES = {"zh": "Chinese", "en": "English"}
_MOST_ROWS = 12
_COUNTING = (
    "Average turns: runs of one speaker, two to a turn. Utterances as they stand in the records. One-sided: dialogues "
    "in which only one of the two speaks. Tokens: "
)


def figures_report(corpora: Mapping[str, CorpusFigures], like: bool = False) -> Report:
    """Corpus name -> figures as a report; `like`: in the columns of the paper's Table 1, its rows below ours."""
    notes = [SOURCE_NOTE] if like else []
    tables = [_like(corpora)] if like else [_main(corpora), *_distributions(corpora)]
    return Report(title=f"Corpora: {', '.join(corpora)}", tables=tables, notes=notes)


def _like(corpora: Mapping[str, CorpusFigures]) -> Table:
    paper = load_paper_table("table1")
    ours = [Row(labels=["ours", name], cells=_like_cells(figures)) for name, figures in corpora.items()]
    theirs = [Row(labels=["paper", *row.labels], cells=paper_cells(paper, row)) for row in paper.rows]
    return Table(
        id="like_paper",
        title=f"Like {paper.place} of the paper: {paper.title}",
        keys=["Source", *paper.keys],
        measures=[one.label for one in paper.columns],
        digits={one.label: one.digits for one in paper.columns},
        rows=[*ours, *theirs],
        note=" ".join(paper.notes),
    )


def _like_cells(one: CorpusFigures) -> dict[str, Cell]:
    return {
        "Dialogues": one.dialogues,
        "Avg turns": one.average_turns,
        "Thought": "yes" if one.with_thought else "no",
        "Strategy": one.strategy_level,
        "Scenario": _opened(one),
        "Language": ", ".join(_LANGUAGES.get(name, name) for name in one.languages) or NOTHING,
    }


def _opened(one: CorpusFigures) -> str:
    whole = sum(one.opened_by.values())
    return f"supporter first in {100 * one.opened_by['supporter'] / whole:.0f}%" if whole else NOTHING


def _main(corpora: Mapping[str, CorpusFigures]) -> Table:
    rows = [Row(labels=[name], cells=_cells(one)) for name, one in corpora.items()]
    rules = sorted({one.tokenisation for one in corpora.values()})
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


def _cells(one: CorpusFigures) -> dict[str, Cell]:
    per_turn: dict[str, Cell] = {
        f"{what} per {side} turn": values.get(side)
        for what, values in (("characters", one.characters_per_turn), ("tokens", one.tokens_per_turn))
        for side in _SIDES
    }
    return {
        "dialogues": one.dialogues,
        "average turns": one.average_turns,
        "utterances": one.average_utterances,
        "of the user": one.user_utterances,
        "of the supporter": one.supporter_utterances,
        **per_turn,
        "one-sided": one.one_sided,
        "opened by the supporter": one.opened_by["supporter"],
        "with thought": one.with_thought,
        "strategy": one.strategy_level,
        "strategies": one.strategies,
        "with need": one.with_need,
    }


def _distributions(corpora: Mapping[str, CorpusFigures]) -> list[Table]:
    found = [
        _distribution(corpora, "scenarios", "Scenarios"),
        _distribution(corpora, "emotions", "Emotions"),
        _distribution(corpora, "languages", "Languages"),
        _distribution(corpora, "licences", "Licences"),
    ]
    return [table for table in found if table.rows]


def _distribution(corpora: Mapping[str, CorpusFigures], field: str, title: str) -> Table:
    rows = [
        Row(labels=[corpus, name], cells={"dialogues": count, "share": count / one.dialogues})
        for corpus, one in corpora.items()
        for name, count in _shortened(getattr(one, field)).items()
    ]
    return Table(id=field, title=title, keys=["Corpus", title], measures=["dialogues", "share"], rows=rows)


def _shortened(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent names, and the rest together."""
    names = [name for name in counts if name != OTHERS]
    shown = {name: counts[name] for name in names[:_MOST_ROWS]}
    rest = sum(counts.values()) - sum(shown.values())
    more = "more than " if OTHERS in counts else ""
    return shown | ({f"{more}{len(names) - len(shown)} others": rest} if rest else {})
