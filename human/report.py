"""The report of a study with people: agreement, people against judges, preferences (Tables 5 and 10, Figure 5)."""

from collections.abc import Sequence
from pathlib import Path

from cocoon.core.records import Rating
from cocoon.evaluation.facts import DialogueFacts, facts_of
from cocoon.evaluation.groups import group_ratings
from cocoon.evaluation.measures import MEASURES, Measure
from cocoon.evaluation.statistics.estimates import mean_over_profiles
from cocoon.evaluation.statistics.preference import Choice
from cocoon.human.items import LikertItem, Material
from cocoon.human.results import people_choices, ratings_of
from cocoon.human.service import open_study
from cocoon.human.store import DONE, SKIPPED, HumanStore
from cocoon.reports.charts.preference import preference_figures
from cocoon.reports.formats.files import write_report_files
from cocoon.reports.tables.judging.against_people import people_tables
from cocoon.reports.tables.judging.people import item_kappas, judge_match_table, raters_table
from cocoon.reports.tables.preference import preference_tables
from cocoon.reports.tables.records import Cell, Report, Row, Table
from cocoon.running.folder import read_run

NOTES = [
    "Raters are pseudonyms; what each consented to is a hash beside every answer. Those who withdrew have left "
    "nothing behind.",
    "Scales are worded by this project and adapted; ratings of simulated users and supporters are no clinical finding.",
]


def write_human_report(study: Path, out: Path, run: Path | None = None, preferred: Sequence[Choice] = ()) -> Report:
    """Write the report of a study into its folder as human.md, human.html and tables/, and return it.

    `run` is a run whose judges rated the same dialogues, and `preferred` are judges' choices.
    """
    material, store = open_study(study, out, started=True)
    judged = list(read_run(run, "ratings.jsonl", Rating)) if run else []
    report = human_report(material, store, judged, preferred)
    write_report_files(report, out, "human", figures="tables")
    return report


def human_report(
    material: Material, store: HumanStore, judged: Sequence[Rating] = (), preferred: Sequence[Choice] = ()
) -> Report:
    """Return the report of a study.

    `judged` are judges' ratings of the same dialogues, and `preferred` are judges' choices.
    """
    answers = list(store.every_answer())
    ratings, choices = ratings_of(material, answers), people_choices(material, answers)
    all_ratings = [*ratings, *judged]
    conditions = list(dict.fromkeys(name for choice in choices for name in sorted((choice.first, choice.second))))
    tables = [
        progress_table(material, store),
        supporters_table(ratings),
        raters_table(ratings),
        judge_match_table(all_ratings),
        *people_tables(group_ratings(judged, _facts_of(material)), ratings),
        *(item_kappas(ratings, scale) for scale in material.scales),
        *preference_tables([*choices, *preferred], _condition_order(material) or conditions),
    ]
    wins = next((table for table in tables if table.id == "wins"), None)
    return Report(
        title=getattr(material.study.title, material.study.language),
        facts=[("Raters", str(len(material.study.names))), ("Items", str(len(material.items)))],
        tables=[table for table in tables if table.rows],
        notes=NOTES,
        figures=preference_figures(wins) if wins else [],
    )


def _facts_of(material: Material) -> dict[str, DialogueFacts]:
    read = [item.dialogue for item in material.items.values() if isinstance(item, LikertItem)]
    return {dialogue.id: facts_of(dialogue) for dialogue in read}


def _condition_order(material: Material) -> list[str]:
    study = material.study
    condition_lists = [part.conditions for part in (study.pairs, study.chats) if part is not None]
    return list(dict.fromkeys(name.strip() for conditions in condition_lists for name in conditions.split(",")))


def progress_table(material: Material, store: HumanStore) -> Table:
    """Return a table of what every rater got and did."""
    rows = []
    for rater in material.study.names:
        items = {assignment.item for assignment in material.assigned(rater)}
        counts = {key: 0 for key in (DONE, SKIPPED)}
        for item in items:
            answered = store.answers_of(rater, item)
            for key in counts:
                counts[key] += key in answered
        status = "withdrawn" if store.withdrawn(rater) else "consented" if store.consent_of(rater) else "not started"
        cells: dict[str, Cell] = {
            "items": len(items),
            "done": counts[DONE],
            "skipped": counts[SKIPPED],
            "status": status,
        }
        rows.append(Row(labels=[rater], cells=cells))
    return Table(
        id="raters_progress", title="Raters", keys=["Rater"], measures=["items", "done", "skipped", "status"], rows=rows
    )


def supporters_table(ratings: Sequence[Rating]) -> Table:
    """Return how people rated the supporters, in the columns of the paper's Table 5.

    A value is the mean over raters, then over profiles.
    """
    scores: dict[str, dict[Measure, dict[str, dict[str, list[float | None]]]]] = {}
    for rating in ratings:
        for measure in MEASURES:
            if measure.scale == rating.scale:
                by_profile = scores.setdefault(rating.supporter, {}).setdefault(measure, {})
                values = by_profile.setdefault(rating.profile, {}).setdefault(rating.dialogue, [])
                values.append(rating.dimensions.get(measure.dimension))
    rows = [
        Row(labels=[supporter], cells={measure.label: _mean(by_profile) for measure, by_profile in by_measure.items()})
        for supporter, by_measure in sorted(scores.items())
    ]
    used = [measure for measure in MEASURES if any(measure.label in row.cells for row in rows)]
    return Table(
        id="people",
        title="Supporters rated by people, in the columns of Table 5 of the paper",
        keys=["Supporter"],
        measures=[measure.label for measure in used],
        digits={measure.label: measure.digits for measure in used},
        rows=rows,
        note="A dialogue's value is the mean over its raters; interval over profiles. Neg: lower is better.",
    )


def _mean(by_profile: dict[str, dict[str, list[float | None]]]) -> Cell:
    by_dialogue = {
        profile: [_over_raters(values) for values in dialogues.values()] for profile, dialogues in by_profile.items()
    }
    return mean_over_profiles(by_dialogue)


def _over_raters(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
