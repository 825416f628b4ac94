"""From a run folder to its report, in every format."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cocoon.core.config import Price, StudyConfig
from cocoon.core.records import Dialogue, Failure, Language, Rating
from cocoon.evaluation.fidelity.form_invariance import FormInvariance
from cocoon.models.journal.reader import opened_journal
from cocoon.models.journal.tally import call_counts
from cocoon.models.ledger import Ledger
from cocoon.reports.formats.csv_lines import render_csv
from cocoon.reports.formats.files import TABLES, write_report_files, write_texts
from cocoon.reports.formats.latex import render_latex
from cocoon.reports.narrative.excerpts import quote
from cocoon.reports.paper.report import build_like
from cocoon.reports.reference import hold_against, read_reference
from cocoon.reports.report import build_report
from cocoon.reports.tables.records import NOTHING, Report
from cocoon.running.folder import JOURNAL, PEOPLE, existing_run, read_config, read_run
from cocoon.running.integrity.report_sources import keep_sources
from cocoon.running.manifest import RunManifest, read_manifest, seconds_worked, uses_embedded, uses_scripted
from cocoon.running.reading.reader import RunReader
from cocoon.running.reading.scales import scales_of
from cocoon.running.sample import read_sample


def build_run_report(run: Path, scale_files: Sequence[Path] = (), language: Language = "en") -> Report:
    """Return the report of a run folder. `language` is that of the figures and sentences."""
    existing_run(run)
    reference = read_reference(run)
    report = build_report(
        read_run(run, "dialogues.jsonl", Dialogue),
        read_run(run, "ratings.jsonl", Rating),
        read_run(run, "failures.jsonl", Failure),
        facts_of_run(run),
        scales_of([run], scale_files),
        language=language,
        people=read_run(run, PEOPLE, Rating),
        against=hold_against(run, reference) if reference else None,
    )
    reader = RunReader(run, scale_files)
    reader.refresh()
    held = [excerpt for excerpt in report.excerpts if excerpt.dialogue in reader.dialogues.places]
    return report.model_copy(update={"excerpts": quote(held, reader, language)})


def write_report(
    run: Path,
    scale_files: Sequence[Path] = (),
    language: Language = "en",
    out: Path | None = None,
    trace: str = "",
) -> Report:
    """Build the report of a run folder, and write report.md, report.html, tables/ and figures/ into `out`.

    `out` is the run folder itself unless given. A run folder that is read-only stays as it is. `trace` is the address
    of the trace page, as seen from the folder, where there is one.
    """
    report = build_run_report(run, scale_files, language).model_copy(update={"trace": trace})
    if (target := report_folder(run, out)) is not None:
        written = write_report_files(report, target, "report", prefix="", latex=True, figures="figures")
        keep_sources(run, target, written)
    return report


def report_folder(run: Path, out: Path | None) -> Path | None:
    """Return where the report of a run goes, or None where that is the run folder and it is read-only."""
    return out or (run if os.access(run, os.W_OK) else None)


def write_like(run: Path, name: str, out: Path | None = None) -> Report:
    """Build the report in the shape of a table of the paper, and write it as tables/NAME_like_paper.csv and .tex.

    `out` is the folder for them, as for `write_report`.
    """
    existing_run(run)
    report = build_like(
        name,
        read_run(run, "dialogues.jsonl", Dialogue),
        read_run(run, "ratings.jsonl", Rating),
        read_run(run, "failures.jsonl", Failure),
        facts_of_run(run),
    )
    (table,) = report.tables
    rendered = {"csv": render_csv(report), "tex": render_latex(report)}
    texts = {f"{name}_like_paper.{ending}": files[table.id] for ending, files in rendered.items()}
    if (target := report_folder(run, out)) is not None:
        write_texts(target / TABLES, texts)
    return report


def facts_of_run(run: Path) -> dict[str, Any]:
    """Return what a run's folder tells of it beside dialogues and ratings, as `cocoon.evaluation.facts.RunFacts` has
    it.
    """
    facts: dict[str, Any] = {"name": run.name}
    config, manifest, sample = read_config(run), read_manifest(run), read_sample(run)
    if sample is not None:
        facts["sample"] = sample.one_line()
    if config is not None:
        facts["seed"] = config.seed
        facts |= _configured(config)
        if manifest is None or not manifest.agents:
            facts |= _configured_user(config)
    if manifest is not None:
        if manifest.form_invariance is not None:
            facts["form_invariance"] = FormInvariance.model_validate(manifest.form_invariance).one_line()
        facts |= {"models": manifest.roles, "seconds": round(seconds_worked(manifest), 1)}
        facts |= {"embedded": uses_embedded([run]), "scripted": uses_scripted([run])}
        facts["agents"] = _own_agents(manifest)
        facts["recorded"] = manifest.recorded
        facts |= {"software": _software(manifest), "provenance": _provenance(manifest)}
        facts["learnt"] = {label: model["learnt"] for label, model in manifest.models.items() if model.get("learnt")}
        if any("temperature" in facts["learnt"].get(label, ()) for label in manifest.roles.get("judge", [])):
            # It was not sent, whatever the settings say.
            facts["judge_temperature"] = None
        for user in manifest.agents.get("user", []):
            facts |= {"user_kind": user.kind, "difficulty": user.settings.get("difficulty", "")}
            facts["trust_rules"] = user.settings.get("rules", "")
    if (run / JOURNAL).exists():
        facts |= _spent(run, config.prices if config else {})
        facts["replies"] = call_counts(run / JOURNAL)
    return facts


def _configured(config: StudyConfig) -> dict[str, Any]:
    """Return the settings that a reader of a paper wants to know."""
    supporters = {
        supporter.name or supporter.model: f"{supporter.model}, {supporter.prompt}" for supporter in config.supporters
    }
    facts: dict[str, Any] = {"rounds": config.rounds, "samples": config.samples, "supporters": supporters}
    return facts | ({"judge_temperature": config.judge.temperature} if config.judge.model else {})


def _software(manifest: RunManifest) -> str:
    revision = f" ({manifest.git_revision})" if manifest.git_revision else ""
    return f"COCOON {manifest.cocoon}{revision}"


def _provenance(manifest: RunManifest) -> dict[str, str]:
    """Return versions, hosts, prompts and sessions as lines of a report."""
    models = {
        f"Model {label}": ", ".join(f"{key} {_plain(value)}" for key, value in facts.items())
        for label, facts in manifest.models.items()
        if facts
    }
    prompts = {
        name: sha for agents in manifest.agents.values() for agent in agents for name, sha in agent.prompts.items()
    } | manifest.prompts
    began = [time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(session.started)) for session in manifest.sessions]
    return {
        "Software": _software(manifest),
        "Python": manifest.python,
        "Packages": ", ".join(f"{name} {version}" for name, version in manifest.packages.items()),
        "Hosts": ", ".join(manifest.hosts) or NOTHING,
        **models,
        "Prompts": ", ".join(f"{name} {sha}" for name, sha in sorted(prompts.items())) or NOTHING,
        "Sessions": "; ".join(began) or NOTHING,
    }


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _configured_user(config: StudyConfig) -> dict[str, str]:
    """Return the simulated user as a run of release 0.1.0 tells of it, whose manifest names no agents."""
    if config.user.kind != "guarded":
        return {"user_kind": config.user.kind}
    return {"user_kind": "guarded", "difficulty": config.user.difficulty, "trust_rules": config.user.rules}


def _own_agents(manifest: RunManifest) -> dict[str, str]:
    """Return a line on every agent that is Python code of the user's own, by role and name."""
    return {
        f"{role} {agent.name}": ", ".join(f"{file} ({sha})" for file, sha in agent.source.files.items())
        for role, agents in manifest.agents.items()
        for agent in agents
        if agent.source is not None
    }


def _spent(run: Path, prices: Mapping[str, Price]) -> dict[str, Any]:
    with opened_journal(run / JOURNAL) as journal:
        ledger = Ledger.of(journal.spent() if journal else [], prices)
    return {
        "calls": ledger.calls,
        "prompt_tokens": ledger.tokens_in,
        "cached_tokens": ledger.tokens_cached,
        "completion_tokens": ledger.tokens_out,
        "cost": ledger.cost,
    }
