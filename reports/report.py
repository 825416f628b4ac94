"""The report of a run, from dialogues, ratings and failures. The formats are in reports/formats."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Failure, Language, Rating
from cocoon.evaluation.facts import DialogueFacts, RunFacts, facts_of
from cocoon.evaluation.groups import group_ratings
from cocoon.evaluation.measures import LEGAL_FLOOR
from cocoon.evaluation.scales.scoring import Scale
from cocoon.reports.charts.runs import run_figures
from cocoon.reports.narrative.excerpts import choose_excerpts
from cocoon.reports.narrative.findings import compared, findings
from cocoon.reports.narrative.likeness import likeness_sentences
from cocoon.reports.narrative.methods import methods_paragraph
from cocoon.reports.origin import warnings_of
from cocoon.reports.reference import HeldAgainst, reference_facts, uncompared_warnings
from cocoon.reports.tables.dialogues import (
    dialogues_table,
    failures_table,
    questions_table,
    stop_table,
    turns_table,
)
from cocoon.reports.tables.judging.against_people import people_tables
from cocoon.reports.tables.judging.need import need_table
from cocoon.reports.tables.judging.people import raters_table
from cocoon.reports.tables.judging.reliability import reliability_tables
from cocoon.reports.tables.needs import (
    disclosure_table,
    evidence_table,
    missing_reasons_table,
    moves_table,
    named_table,
    outcomes_table,
)
from cocoon.reports.tables.records import NOTHING, Report, Table
from cocoon.reports.tables.replies import call_warnings, calls_table, replies_table, reply_warnings
from cocoon.reports.tables.scores import main_table, other_scales_table, success_table, variants_table
from cocoon.reports.tables.trust import answers_table, constant_warnings, prompts_table, version_warnings
from cocoon.reports.tables.users.beside import beside_scores
from cocoon.reports.tables.users.crisis import crisis_table
from cocoon.reports.tables.users.flags import flags_table
from cocoon.reports.tables.users.likeness import likeness_table

NO_TEMPERATURE = (
    "{model} takes no temperature: it was asked at its server's own, whatever the settings say. Its replies at "
    "temperature 0 are draws, and equal calls were not merged."
)
NOTES = [
    "Rows are never pooled over supporters, judges, languages or judge prompts; ratings that know the need "
    "and ratings that do not stand apart.",
    "Intervals: Wilson for success rates with one draw a profile; otherwise an expanded percentile bootstrap "
    "over profiles (9,999 resamples, fixed seed), draws of one profile staying together. None is given for one "
    "profile alone, or where all profiles have the same mean. Several votes on a dialogue count as one: "
    "their mean, or their majority.",
    "A reply that could not be read is missing and counted; it is never replaced by a number.",
    "Simulated users are no patients, and the scales are adapted for language-model judges: no clinical "
    "conclusion follows from these figures.",
]


def build_report(
    dialogues: Iterable[Dialogue | DialogueFacts],
    ratings: Iterable[Rating],
    failures: Iterable[Failure],
    facts: RunFacts | Mapping[str, Any],
    scales: Mapping[str, Scale] | None = None,
    floor: float = LEGAL_FLOOR,
    language: Language = "en",
    people: Iterable[Rating] = (),
    against: HeldAgainst | None = None,
) -> Report:
    """Return all tables of a run, as data.

    Dialogues are read once and kept as summaries. `scales` adds the scores of their variants. `floor` is the
    probability of legal answers below which a rating counts as forced, 0 to 1. `language` is the language of the
    figures and sentences. `people` are ratings by people, which the judges are held against. `against` holds the users
    beside the talks of people, where a corpus was given.
    """
    run = run_facts(facts)
    summaries = {summary.id: summary for summary in _summaries(dialogues)}
    rated, failed, rated_by_people = list(ratings), list(failures), list(people)
    groups = group_ratings(rated, summaries, failed)
    tables = [
        main_table(groups, beside_scores(groups, summaries.values(), against)),
        success_table(groups),
        outcomes_table(groups),
        evidence_table(groups),
        named_table(groups, summaries),
        disclosure_table(summaries.values()),
        moves_table(summaries.values()),
        flags_table(summaries.values()),
        crisis_table(summaries.values()),
        likeness_table(against.likenesses, language) if against else None,
        other_scales_table(groups),
        variants_table(groups, scales or {}),
        dialogues_table(summaries.values()),
        questions_table(summaries.values()),
        stop_table(summaries.values()),
        turns_table(summaries.values()),
        replies_table(summaries.values()),
        calls_table(run.replies),
        answers_table(rated, floor),
        *reliability_tables(groups, scales or {}),
        need_table(groups),
        *people_tables(groups, rated_by_people),
        *([raters_table(rated_by_people)] if rated_by_people else []),
        missing_reasons_table(groups),
        failures_table(failed),
        prompts_table(groups),
    ]
    return Report(
        title=f"Report of {run.name}" if run.name else "Report",
        language=language,
        compared=compared(list(summaries.values()), language),
        findings=[*findings(groups, failed, language), *_likeness_findings(against, language)],
        excerpts=choose_excerpts(groups, language),
        methods=methods_paragraph(run, list(summaries.values()), rated, language),
        provenance=list(run.provenance.items()),
        warnings=_warnings(run, summaries, rated) + (uncompared_warnings(against) if against else []),
        facts=_fact_lines(run, summaries.values(), failed) + (reference_facts(against) if against else []),
        tables=[table for table in tables if table and _worth_showing(table)],
        notes=NOTES,
        figures=run_figures(groups, list(summaries.values()), language, scales),
    )


def _likeness_findings(against: HeldAgainst | None, language: Language) -> list[str]:
    return likeness_sentences(against.likenesses, against.reference.source, language) if against else []


def _worth_showing(table: Table) -> bool:
    return bool(table.rows) or table.id == "main"


def run_facts(facts: RunFacts | Mapping[str, Any]) -> RunFacts:
    """Return facts as a record. Raises CocoonError for an unknown key, and names it."""
    if isinstance(facts, RunFacts):
        return facts
    try:
        return RunFacts.model_validate(facts)
    except ValidationError as error:
        first = error.errors()[0]
        key_path = ".".join(str(part) for part in first["loc"])
        known = ", ".join(RunFacts.model_fields)
        raise CocoonError(f"Run facts, key {key_path!r}: {first['msg']}; known keys are {known}") from None


def _summaries(dialogues: Iterable[Dialogue | DialogueFacts]) -> Iterable[DialogueFacts]:
    for dialogue in dialogues:
        yield dialogue if isinstance(dialogue, DialogueFacts) else facts_of(dialogue)


def _warnings(run: RunFacts, dialogues: Mapping[str, DialogueFacts], ratings: Sequence[Rating]) -> list[str]:
    # Of a recorded run its own line says more than that its models are scripted.
    return [
        *([run.recorded] if run.recorded else []),
        *warnings_of(scripted=run.scripted and not run.recorded, embedded=run.embedded),
        *(NO_TEMPERATURE.format(model=model) for model, facts in run.learnt.items() if "temperature" in facts),
        *_mixed_users(dialogues.values()),
        *version_warnings(ratings, dialogues),
        *constant_warnings(ratings),
        *_stray_ratings(dialogues, ratings),
        *reply_warnings(dialogues.values()),
        *call_warnings(run.replies),
    ]


def _mixed_users(dialogues: Iterable[DialogueFacts]) -> list[str]:
    kinds = {(dialogue.user_kind, dialogue.difficulty, dialogue.rules) for dialogue in dialogues}
    if len(kinds) < 2:
        return []
    kind_names = "; ".join(" ".join(part or NOTHING for part in kind) for kind in sorted(kinds))
    return [f"Rows pool {len(kinds)} kinds of simulated user ({kind_names}): report each on its own to compare."]


def _stray_ratings(dialogues: Mapping[str, DialogueFacts], ratings: Sequence[Rating]) -> list[str]:
    unknown = {rating.dialogue for rating in ratings} - dialogues.keys()
    if not unknown:
        return []
    return [f"{len(unknown)} rated dialogues are not among the dialogues; their language is unknown."]


def _fact_lines(
    run: RunFacts, dialogues: Iterable[DialogueFacts], failures: Sequence[Failure]
) -> list[tuple[str, str]]:
    summaries = list(dialogues)
    lines = [
        ("Dialogues", f"{len(summaries)}, of {len({summary.profile for summary in summaries})} profiles"),
        *([("Drawn", run.sample)] if run.sample else []),
        ("Dialogues that failed", str(len({f.dialogue for f in failures if f.stage == "conversation"}))),
        ("Ratings that failed", str(sum(failure.stage == "assessment" for failure in failures))),
        *((f"Model of the {role}", ", ".join(names)) for role, names in run.models.items() if names),
        *((f"Code of the {agent}", source) for agent, source in run.agents.items()),
        ("Kind of user", _joined_names(run.user_kind, *(summary.user_kind for summary in summaries))),
    ]
    if any(summary.unlocked is not None for summary in summaries):
        lines += [
            ("Difficulty", _joined_names(run.difficulty, *(summary.difficulty for summary in summaries))),
            ("Trust rules", _joined_names(run.trust_rules, *(summary.rules for summary in summaries))),
            ("Form invariance of the appraisal", run.form_invariance or "not measured"),
        ]
    return lines + _spending(run)


def _joined_names(*names: str) -> str:
    return ", ".join(sorted(set(names) - {""})) or NOTHING


def _spending(run: RunFacts) -> list[tuple[str, str]]:
    cached = f" ({run.cached_tokens:,} of them from a cache)" if run.cached_tokens else ""
    return [
        ("Model calls", _count(run.calls)),
        ("Tokens", f"{_count(run.prompt_tokens)} in prompts{cached}, {_count(run.completion_tokens)} in replies"),
        ("Cost", "not known" if run.cost is None else f"{run.cost:,.4f} {run.currency}"),
        ("Time", "not known" if run.seconds is None else _duration(run.seconds)),
        ("Seed", "not known" if run.seed is None else str(run.seed)),
    ]


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def _duration(seconds: float) -> str:
    """Return `1 h 02 min 03 s`, leaving out leading zero units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min {rest:02} s"
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"
