"""Runs an ablation from the command line: conditions, comparisons, report."""

import asyncio
import json
from pathlib import Path

import typer

from cocoon.agents.users.conditions import read_conditions
from cocoon.api.progress import Watcher
from cocoon.api.reporter import say
from cocoon.core.config import StudyConfig
from cocoon.core.errors import StoppedError
from cocoon.core.jsonl import write_whole
from cocoon.core.profile_files import profile_path
from cocoon.core.records import Profile
from cocoon.models.by_name import Models
from cocoon.reports.charts.draw import draw_chart
from cocoon.reports.charts.preference import preference_figures
from cocoon.reports.formats.csv_lines import render_csv
from cocoon.reports.formats.html_page import render_html
from cocoon.reports.formats.json_value import to_json
from cocoon.reports.formats.markdown import render_markdown
from cocoon.reports.report import EMBEDDED_WARNING
from cocoon.reports.tables.preference import preference_tables
from cocoon.reports.tables.records import Report
from cocoon.running.local_parts import local_parts
from cocoon.running.manifest import uses_embedded
from cocoon.running.session import Outcome
from cocoon.running.study import open_models, read_profiles
from cocoon.studies.ablation import (
    CONDITIONS,
    AblationConfig,
    choices_of,
    compare_conditions,
    make_conditions,
    refuse_copies,
    study_of,
)

NOTES = [
    "The judge sees the mood and the feeling, not the need or the memories, so that it cannot favour the condition "
    "that holds them for what it was told.",
    "Judging simulated users by a model of the same family as theirs favours its manner; people decide otherwise at "
    "times (cocoon human).",
]


def run_ablation(
    settings: StudyConfig, names: str, every_pair: bool, out: Path, as_json: bool, *, compare_only: bool = False
) -> None:
    """Simulation (unless only compared), comparison and report; exits with the code of what stopped or failed."""
    conditions = read_conditions(names)
    refuse_copies(settings.judge)
    profiles: list[Profile] = []
    if not compare_only:
        files = [str(path) for name in settings.profiles for path in profile_path(name)]
        settings = settings.model_copy(update={"profiles": files})
        profiles = read_profiles(settings)
    try:
        code = asyncio.run(_work(settings, names, every_pair, out, profiles))
    except asyncio.CancelledError:
        raise StoppedError("stopped at once; the same command goes on from the last answered call") from None
    report = write_report(out, [one.name for one in conditions], settings)
    typer.echo(json.dumps(to_json(report), ensure_ascii=False) if as_json else render_markdown(report))
    say(f"written: {out}/ablation.md, ablation.html, tables/; the dialogues stand in {out}/conditions")
    if code:
        raise typer.Exit(code)


async def _work(settings: StudyConfig, names: str, every_pair: bool, out: Path, profiles: list[Profile]) -> int:
    code = 0
    if profiles:
        outcomes = await _simulate(settings, names, out, profiles)
        code = max(one.exit_code for one in outcomes)
        if outcomes[-1].stopped_by is not None:
            say(f"cocoon: {outcomes[-1].stopped_by}")
            return outcomes[-1].exit_code
    shared = {
        name: getattr(settings, name) for name in ("concurrency", "timeout", "budget", "prices", "seed", "prompts")
    }
    judge = settings.judge.model_copy(update={"scales": []})
    config = AblationConfig(judge=judge, conditions=names, every_pair=every_pair, **shared)
    outcome = await compare_conditions(config, _models(settings), out, Watcher())
    for note in outcome.notes:
        say(note)
    return outcome.exit_code or code


async def _simulate(settings: StudyConfig, names: str, out: Path, profiles: list[Profile]) -> list[Outcome]:
    talking = _models(settings)
    study = study_of(settings, talking)
    study.user()
    study.supporters()
    say(f"text goes to: {', '.join(talking.hosts)}" if talking.hosts else "text stays on this machine")
    return await make_conditions(study, profiles, read_conditions(names), out, Watcher())


def _models(settings: StudyConfig) -> Models:
    return open_models(settings, local_parts())


def write_report(out: Path, conditions: list[str], settings: StudyConfig) -> Report:
    """The report of an ablation's folder, written beside it."""
    tables = preference_tables(choices_of(out), conditions)
    report = Report(
        title=f"Ablation of the simulated user: {out.name}",
        warnings=[EMBEDDED_WARNING] if uses_embedded([out, *(out / CONDITIONS).glob("*")]) else [],
        facts=[("Conditions", ", ".join(conditions)), ("Judge", settings.judge.model or "none")],
        tables=tables,
        notes=NOTES,
        figures=[figure for table in tables if table.id == "wins" for figure in preference_figures(table)],
    )
    (out / "tables").mkdir(parents=True, exist_ok=True)
    files = {"ablation.md": render_markdown(report), "ablation.html": render_html(report)}
    files |= {f"tables/ablation_{name}.csv": text for name, text in render_csv(report).items()}
    files |= {f"tables/ablation_{one.id}.svg": draw_chart(one.chart, one.id, standalone=True) for one in report.figures}
    for name, text in files.items():
        write_whole(out / name, [text.encode()])
    return report
