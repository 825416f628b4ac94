"""Report the reproduced table beside the paper's, with language as a factor, and what every row was trained on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cocoon.core.records import Dialogue, Failure, Rating
from cocoon.reports.formats.files import write_report_files
from cocoon.reports.paper.report import build_like
from cocoon.reports.paper.tables import load_paper_table
from cocoon.reports.runs import facts_of_run
from cocoon.reports.tables.records import Cell, Report, Row, Table
from cocoon.running.folder import read_run
from cocoon.studies.reproduce.config import UNTRAINED, ReproduceConfig
from cocoon.studies.reproduce.people import held_out_profiles, talking_profiles
from cocoon.studies.reproduce.rows import RUNS, adapter_of
from cocoon.training.adapters.card import Card, read_card
from cocoon.training.data.held_out import HeldOut

REHEARSAL = (
    "A rehearsal: a small base, few dialogues, few people and short talks show that every stage works. Nothing in this "
    "table tells anything of the corpora."
)
_MEASURES = (
    "Thoughts",
    "Read",
    "Of people held out",
    "Dialogues",
    "Profiles",
    "Trained tokens",
    "Steps",
    "Loss before",
    "Best loss",
    "Validation n",
)


# Of a run's facts, those that are the same in every language, and those that are summed over the languages.
_SAME = ("user_kind", "difficulty", "trust_rules", "seed")
_SUMMED = ("calls", "prompt_tokens", "cached_tokens", "completion_tokens", "cost", "seconds")


def write_table(config: ReproduceConfig, out: Path) -> Report:
    """Write the report as TABLE.md, TABLE.html and tables/ into the folder of a reproduction, and return it."""
    report = build_table(config, out, facts_of_runs(config, out))
    write_report_files(report, out, config.table, latex=True)
    return report


def facts_of_runs(config: ReproduceConfig, out: Path) -> dict[str, Any]:
    """Return the facts of the runs of all languages as those of one run."""
    runs = {language: facts_of_run(out / RUNS / language) for language in config.languages}
    forms = [
        f"{language}: {facts['form_invariance']}" for language, facts in runs.items() if "form_invariance" in facts
    ]
    summed = {
        name: sum(facts[name] for facts in runs.values())
        for name in _SUMMED
        if all(facts.get(name) is not None for facts in runs.values())
    }
    models: dict[str, list[str]] = {}
    for facts in runs.values():
        for role, names in facts.get("models", {}).items():
            models[role] = [*dict.fromkeys([*models.get(role, []), *names])]
    same = {name: value for name, value in next(iter(runs.values())).items() if name in _SAME}
    return {**same, **summed, "name": out.name, "models": models, "form_invariance": "; ".join(forms) or None}


def build_table(config: ReproduceConfig, out: Path, facts: Mapping[str, Any]) -> Report:
    """Return the report of a reproduction. Raises CocoonError if its runs lack what the table needs."""
    runs = [out / RUNS / language for language in config.languages]
    dialogues = [dialogue for run in runs for dialogue in read_run(run, "dialogues.jsonl", Dialogue)]
    ratings = [rating for run in runs for rating in read_run(run, "ratings.jsonl", Rating)]
    failures = [failure for run in runs for failure in read_run(run, "failures.jsonl", Failure)]
    report = build_like(config.table, dialogues, ratings, failures, facts)
    (table,) = report.tables
    rehearsal = [REHEARSAL] if config.rehearsal else []
    rated = {rating.dialogue for rating in ratings}
    unfinished = _unfinished(config, len(dialogues), sum(dialogue.id in rated for dialogue in dialogues))
    warnings = [*rehearsal, *unfinished, *_language_warning(config), *report.warnings]
    people = len({dialogue.profile.translation_of or dialogue.profile.id for dialogue in dialogues})
    report_facts = [("People", f"{people}, the same for every row; {_held_out(config)}"), *report.facts]
    return report.model_copy(
        update={
            "title": f"Table {config.table.removeprefix('table')} of the paper, made again"
            + (" (rehearsal)" if config.rehearsal else ""),
            "warnings": warnings,
            "facts": report_facts,
            "tables": [table, _trainings(config, out)],
            "notes": [*_notes(config), *report.notes],
        }
    )


def _unfinished(config: ReproduceConfig, dialogue_count: int, rated_count: int) -> list[str]:
    people = len(talking_profiles(config, held_out_profiles(config))) // len(config.languages)
    speakers = len(config.rows) + (len(config.languages) if config.untrained else 0)
    expected_count = people * speakers * config.samples
    if rated_count >= expected_count:
        return []
    return [
        f"Not finished: {dialogue_count} of {expected_count} dialogues are made, {rated_count} of them rated. "
        "The same command goes on."
    ]


def _held_out(config: ReproduceConfig) -> str:
    number = HeldOut(held_out_profiles(config)).number
    statement = f"no dialogue of theirs was trained on here (people held out: {number})"
    trained_before = [row.label for row in config.rows if row.adapter]
    return (
        f"{statement}, but {', '.join(trained_before)} came trained: see their cards" if trained_before else statement
    )


def _language_warning(config: ReproduceConfig) -> list[str]:
    if len(config.languages) < 2:
        return []
    spoken = "; ".join(
        f"{language}: {', '.join(row.label for row in config.rows if row.language == language)}"
        for language in config.languages
    )
    return [
        f"Rows speak different languages ({spoken}). Each language has its own people's words, judge prompts and "
        "tokenizer costs: compare rows within a language; an order across languages is not told here."
    ]


def _notes(config: ReproduceConfig) -> list[str]:
    own = [row.label for row in config.rows if row.own]
    notes = []
    if own:
        notes.append(
            f"{', '.join(own)}: trained on script-based dialogues of ours (`cocoon script`), since the paper's corpus "
            "is not released; the row has its name, not its data."
        )
    if config.untrained:
        notes.append(
            f"{UNTRAINED}: the base without an adapter, under the same system prompt, in every language: the "
            "difference between its rows is that of the languages."
        )
    paper = load_paper_table(config.table)
    reproduced = {row.label for row in config.rows}
    # The paper calls one corpus ESC in some tables and ESConv in others.
    reproduced |= {alias for name, alias in (("ESC", "ESConv"), ("ESConv", "ESC")) if name in reproduced}
    missing_rows = [row.labels[-1] for row in paper.rows if row.labels[-1] not in reproduced]
    if missing_rows:
        notes.append(f"Rows of the paper that were not made again: {', '.join(missing_rows)}.")
    return notes


def _trainings(config: ReproduceConfig, out: Path) -> Table:
    rows = [
        Row(labels=[row.label, row.name, row.language], cells=_cells(read_card(adapter_of(row, out))))
        for row in config.rows
    ]
    return Table(
        id="trainings",
        title="What each row was trained on",
        keys=["Row", "Supporter", "Language"],
        measures=list(_MEASURES),
        rows=rows,
        note="Losses are not comparable between corpora or with and without thoughts: tags are easy tokens.",
    )


def _cells(card: Card | None) -> dict[str, Cell]:
    if card is None:
        return {}
    values: list[Cell] = [
        card.thoughts if card.train.thinking else "none",
        card.read,
        card.dropped.get("evaluation_profile", 0),
        card.train.dialogues,
        card.train.profiles,
        card.train.trained,
        card.steps,
        card.loss_before,
        card.best_loss,
        card.validation.dialogues if card.validation else 0,
    ]
    return dict(zip(_MEASURES, values, strict=True))
