"""Runs a reproduction from the command line: its stages, its report."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from cocoon.api.progress import Watcher
from cocoon.api.reporter import say
from cocoon.cli.train.run import Progress
from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.jsonl import write_whole
from cocoon.reports.formats.csv_lines import render_csv
from cocoon.reports.formats.html_page import render_html
from cocoon.reports.formats.json_value import to_json
from cocoon.reports.formats.latex import render_latex
from cocoon.reports.formats.markdown import render_markdown
from cocoon.reports.paper.tables import load_paper_table
from cocoon.reports.runs import facts_of_run
from cocoon.reports.tables.records import Report
from cocoon.running.local_parts import local_parts
from cocoon.running.session import Outcome, simulate
from cocoon.running.study import Study, open_models, read_profiles
from cocoon.studies.reproduce.config import ReproduceConfig
from cocoon.studies.reproduce.report import build_table
from cocoon.studies.reproduce.run import RUNS, Hands, reproduce
from cocoon.training.config import TrainConfig

# Of a run's facts, those that are the same in every language.
_SAME = ("user_kind", "difficulty", "trust_rules", "seed")
# What each table's columns are made from; people's own ratings are gathered by `cocoon human`.
SCALES = {
    "table3": ["success", "basic", "comfort", "rac"],
    "table4": ["basic", "comfort", "rac"],
    "table5": [],
    "table7": ["esc_rank"],
    "table9": ["basic"],
}


def run_reproduction(settings: ReproduceConfig, out: Path, stages: Sequence[str], as_json: bool) -> None:
    """Do the stages; exits with the code of what failed."""
    settings = _judged(settings)
    try:
        code = asyncio.run(reproduce(settings, out, stages, Hands(_train, _simulate, say)))
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise StoppedError("stopped at once; the same command goes on where it stopped") from None
    if "report" in stages:
        _report(settings, out, as_json)
    if code:
        raise typer.Exit(code)


def _judged(settings: ReproduceConfig) -> ReproduceConfig:
    """With the scales of the table, and no judge where people rate."""
    scales = SCALES[settings.table]
    if scales and settings.judge.model is None:
        raise CocoonError(
            f"{settings.table} is made of a judge's ratings: give --judge SPEC or judge.model in the YAML"
        )
    model = settings.judge.model if scales else None
    return settings.model_copy(update={"judge": settings.judge.model_copy(update={"scales": scales, "model": model})})


def _train(config: TrainConfig, out: Path) -> object:
    from cocoon.reports.charts.losses import write_losses
    from cocoon.training.fit.sft import train

    with Progress() as watch:
        card = train(config, out, watch, say)
    write_losses(out)
    return card


async def _simulate(config: StudyConfig, out: Path) -> Outcome:
    study = Study(config, open_models(config, local_parts()))
    profiles = read_profiles(config)
    for opened in (study.user, study.judges, study.supporters):
        opened()
    hosts = study.models.hosts
    say(f"text goes to: {', '.join(hosts)}" if hosts else "text stays on this machine")
    return await simulate(study, profiles, out, Watcher())


def _report(settings: ReproduceConfig, out: Path, as_json: bool) -> None:
    paper = load_paper_table(settings.table)
    if paper.data == "people":
        runs = ", ".join(str(out / RUNS / language) for language in settings.languages)
        say(f"{paper.id} is made of people's ratings: name {runs} in a study of `cocoon human serve`, then its report")
        return
    made = build_table(settings, out, _facts(settings, out))
    write_report(out, settings.table, made)
    typer.echo(json.dumps(to_json(made), ensure_ascii=False) if as_json else render_markdown(made))
    say(f"written: {out}/{settings.table}.md, {settings.table}.html, tables/; the runs stand in {out}/{RUNS}")


def _facts(settings: ReproduceConfig, out: Path) -> dict[str, Any]:
    """What the runs of all languages tell, as one."""
    runs = {language: facts_of_run(out / RUNS / language) for language in settings.languages}
    form = [f"{language}: {told['form_invariance']}" for language, told in runs.items() if "form_invariance" in told]
    spent = ("calls", "prompt_tokens", "completion_tokens", "cost", "seconds")
    summed = {
        name: sum(told[name] for told in runs.values()) for name in spent if all(name in one for one in runs.values())
    }
    models: dict[str, list[str]] = {}
    for told in runs.values():
        for role, names in told.get("models", {}).items():
            models[role] = [*dict.fromkeys([*models.get(role, []), *names])]
    same = {name: value for name, value in next(iter(runs.values())).items() if name in _SAME}
    return {**same, **summed, "name": out.name, "models": models, "form_invariance": "; ".join(form) or None}


def write_report(out: Path, name: str, made: Report) -> None:
    """Write a report in every format."""
    (out / "tables").mkdir(parents=True, exist_ok=True)
    files = {f"{name}.md": render_markdown(made), f"{name}.html": render_html(made)}
    files |= {f"tables/{name}_{part}.csv": text for part, text in render_csv(made).items()}
    files |= {f"tables/{name}_{part}.tex": text for part, text in render_latex(made).items()}
    for file, text in files.items():
        write_whole(out / file, [text.encode()])
