"""A report in the form of one of the paper's tables, with the paper's figures beside ours."""

from collections.abc import Iterable, Mapping
from typing import Any

from cocoon.core.records import Dialogue, Failure, Rating
from cocoon.evaluation.facts import DialogueFacts, RunFacts, facts_of
from cocoon.evaluation.groups import group_ratings
from cocoon.reports.paper.tables import load_paper_table, table_like
from cocoon.reports.report import build_report
from cocoon.reports.tables.records import Report

SOURCE_NOTE = (
    "Rows marked paper are figures printed by Fu et al., Look Beyond Feeling. They come from other supporters, "
    "simulated users, judge prompts and item wordings, without intervals: they stand beside ours to be looked at, and "
    "no test between the two is possible."
)


def build_like(
    name: str,
    dialogues: Iterable[Dialogue | DialogueFacts],
    ratings: Iterable[Rating],
    failures: Iterable[Failure],
    facts: RunFacts | Mapping[str, Any],
) -> Report:
    """Return the run's ratings in the columns of table `name`, such as `table3`.

    Warnings and facts are those of the run's report. Raises CocoonError for an unknown table, or one for which the run
    lacks the data.
    """
    paper = load_paper_table(name)
    summaries = [dialogue if isinstance(dialogue, DialogueFacts) else facts_of(dialogue) for dialogue in dialogues]
    rated, failed = list(ratings), list(failures)
    table = table_like(paper, group_ratings(rated, {summary.id: summary for summary in summaries}, failed))
    full_report = build_report(summaries, rated, failed, facts)
    title = f"{full_report.title}, like {paper.id} of the paper"
    return full_report.model_copy(
        update={"title": title, "tables": [table], "notes": [SOURCE_NOTE, *full_report.notes]}
    )
