"""From a run folder to its report, in every format."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cocoon.core.config import Price, StudyConfig
from cocoon.core.records import Dialogue, Failure, Language, Rating
from cocoon.evaluation.fidelity.form_invariance import FormInvariance
from cocoon.models.journal.store import Journal
from cocoon.models.ledger import Ledger
from cocoon.reports.formats.csv_lines import render_csv
from cocoon.reports.formats.files import TABLES, write_report_files, write_texts
from cocoon.reports.formats.latex import render_latex
from cocoon.reports.paper.report import build_like
from cocoon.reports.report import build_report
from cocoon.reports.tables.records import Report
from cocoon.running.folder import existing_run, read_config, read_run
from cocoon.running.manifest import RunManifest, read_manifest, seconds_worked, uses_embedded
from cocoon.running.reading.scales import scales_of
from cocoon.running.sample import read_sample


def build_run_report(run: Path, scale_files: Sequence[Path] = (), language: Language = "en") -> Report:
    """Return the report of a run folder. `language` is that of the figures."""
    existing_run(run)
    return build_report(
        read_run(run, "dialogues.jsonl", Dialogue),
        read_run(run, "ratings.jsonl", Rating),
        read_run(run, "failures.jsonl", Failure),
        facts_of_run(run),
        scales_of([run], scale_files),
        language=language,
    )


def write_report(run: Path, scale_files: Sequence[Path] = (), language: Language = "en") -> Report:
    """Build the report of a run folder and write report.md, report.html, tables/ and figures/ into it."""
    report = build_run_report(run, scale_files, language)
    write_report_files(report, run, "report", prefix="", latex=True, figures="figures")
    return report


def write_like(run: Path, name: str) -> Report:
    """Build the report in the shape of a table of the paper, and write it as tables/NAME_like_paper.csv and .tex."""
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
    write_texts(run / TABLES, texts)
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
        if manifest is None or not manifest.agents:
            facts |= _configured_user(config)
    if manifest is not None:
        if manifest.form_invariance is not None:
            facts["form_invariance"] = FormInvariance.model_validate(manifest.form_invariance).one_line()
        facts |= {"models": manifest.roles, "seconds": round(seconds_worked(manifest), 1)}
        facts |= {"embedded": uses_embedded([run]), "agents": _own_agents(manifest)}
        for user in manifest.agents.get("user", []):
            facts |= {"user_kind": user.kind, "difficulty": user.settings.get("difficulty", "")}
            facts["trust_rules"] = user.settings.get("rules", "")
    if (run / "journal.sqlite").exists():
        facts |= _spent(run, config.prices if config else {})
    return facts


def _configured_user(config: StudyConfig) -> dict[str, str]:
    """Return the simulated user as a run of release 0.1.0 tells of it, whose manifest names no agents."""
    if config.user.kind != "guarded":
        return {"user_kind": config.user.kind}
    return {"user_kind": "guarded", "difficulty": config.user.difficulty, "trust_rules": config.user.rules}


def _own_agents(manifest: RunManifest) -> dict[str, str]:
    """Return a line on every agent that is Python code of the user's own, by role and name."""
    return {
        f"{role} {agent.name}": f"{agent.source.file} ({agent.source.sha})"
        for role, agents in manifest.agents.items()
        for agent in agents
        if agent.source is not None
    }


def _spent(run: Path, prices: Mapping[str, Price]) -> dict[str, Any]:
    journal = Journal(run / "journal.sqlite")
    try:
        ledger = Ledger.of(journal.spent(), prices)
    finally:
        journal.close()
    return {
        "calls": ledger.calls,
        "prompt_tokens": ledger.tokens_in,
        "cached_tokens": ledger.tokens_cached,
        "completion_tokens": ledger.tokens_out,
        "cost": ledger.cost,
    }
