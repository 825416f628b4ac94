"""`cocoon demo`: the main job on the embedded model, from profiles to a report, with nothing to set up."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from cocoon.cli.terminal.results import finish


def demo(
    out: Annotated[Path, typer.Option(help="The demo's run folder; one that is there is resumed.")] = Path("runs/demo"),
    limit: Annotated[int, typer.Option("-n", "--limit", help="How many of the shipped English profiles.")] = 4,
    rounds: Annotated[int, typer.Option(help="Replies of the supporter after its opening.")] = 3,
) -> None:
    """Simulate, judge and report with the embedded model SmolLM2-135M: it shows the machinery, not the science."""
    from cocoon.api.reporter import say
    from cocoon.api.simulation import simulate

    say(
        "COCOON demo: the embedded model plays the supporter, the guarded user and the judge (a few minutes on 2 cores)"
    )
    run = simulate(
        out=out,
        profiles="shipped:en",
        limit=limit,
        rounds=rounds,
        appraiser="rule",
        difficulty="easy",
        judge="local:smollm2",
        options={"supporters": [{"max_tokens": 60}], "user.max_tokens": 40, "judge.max_tokens": 200},
    )
    finish(run, as_json=False)
    _show(out)


def _show(out: Path) -> None:
    from rich.console import Console

    from cocoon.core.records import Dialogue
    from cocoon.reports.runs import write_report
    from cocoon.reports.tables.records import cell_lines
    from cocoon.running.folder import read_run

    console = Console()
    dialogue = next(read_run(out, "dialogues.jsonl", Dialogue))
    console.print(f"\nOne of the dialogues ({dialogue.id}):", style="bold", markup=False, highlight=False)
    for turn in dialogue.turns:
        words = " ".join(turn.content.split())
        console.print(f"  {turn.role}: {words}", markup=False, highlight=False)
    report = write_report(out, [])
    for warning in report.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False, highlight=False)
    for table in report.tables[:2]:
        console.print(f"\n{table.title}", style="bold", markup=False)
        for row in table.rows:
            console.print(f"  {', '.join(row.labels)}", markup=False, highlight=False)
            for measure in table.measures:
                cell = " ".join(cell_lines(row.cells.get(measure), table.digits.get(measure, 2)))
                console.print(f"    {measure:<18} {cell}", markup=False, highlight=False)
    cocoon = "cocoon" if shutil.which("cocoon") else os.path.relpath(sys.argv[0])
    typer.echo(
        f"\nResults are in {out}/: dialogues.jsonl, ratings.jsonl, report.html, tables/, trace.jsonl\n"
        "Try next:\n"
        f"  {cocoon} report {out}\n"
        f"  {cocoon} chat    (talk to the simulated user yourself)\n"
        f"  {cocoon} doctor --model openai:gpt-4o    (see what your own endpoint can do)\n"
        f"  {cocoon} simulate --profiles shipped:en --supporter SPEC --user SPEC --judge SPEC --out runs/mine"
    )
