"""`cocoon demo`: a study in small, to be watched: recorded, or made now by the embedded model."""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cocoon.cli.terminal.results import finish
from cocoon.core.records import Language

if TYPE_CHECKING:
    from cocoon.api.run import Run
    from cocoon.cli.demo.screen import DialogueScreen

LIVE, RECORDED = Path("runs/demo"), Path("runs/recorded")
MEASURES = ("SR", "Emp", "Aff")
PAUSE = 0.1
"""Seconds between two turns that are played."""


def demo(
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Show a recorded study, written by hand: no model is needed.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder (default: runs/demo, runs/recorded).", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", help="How many of the shipped people (not recorded).")] = 4,
    rounds: Annotated[int, typer.Option(help="Replies after the opening (not recorded).")] = 3,
    language: Annotated[Language, typer.Option(help="Language of the dialogue that is shown.")] = "en",
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the page in a browser.")] = False,
) -> None:
    """Watch a small study: a dialogue turn by turn, trust as it moves, the judges' evidence, a table, and its page.

    The embedded model SmolLM2-135M shows the machinery, not the science. With --recorded, hand-written dialogues show
    what a study looks like.
    """
    from rich.console import Console

    from cocoon.api.demo.page import open_in_browser
    from cocoon.cli.demo.screen import DialogueScreen

    console = Console(highlight=False)
    screen = DialogueScreen(console, pause=PAUSE if console.is_terminal and recorded else 0.0)
    if recorded:
        run, page = _play(screen, out or RECORDED, language)
    else:
        run, page = _watch(screen, out or LIVE, limit, rounds, language)
    _results(screen, run)
    opened = not no_open and open_in_browser(page)
    screen.say(f"The page of every dialogue{' (opened in your browser)' if opened else ''}: {page}")
    _try_next(screen, run.path, recorded)


def _play(screen: "DialogueScreen", out: Path, language: Language) -> "tuple[Run, Path]":
    """Play a recorded dialogue while its page is written, and return the run and the page."""
    from cocoon.api.demo.page import write_trace_page
    from cocoon.api.demo.recorded import recorded_run

    run = recorded_run(out)
    if run.manifest is not None and run.manifest.recorded is not None:
        screen.say(run.manifest.recorded)
    dialogue = next(dialogue for dialogue in run.dialogues if dialogue.language == language)
    with ThreadPoolExecutor(1) as pool:
        page = pool.submit(write_trace_page, run.path, language)
        for turn in dialogue.turns:
            screen.spoken(dialogue.id, dialogue.profile, turn)
        return run, page.result()


_CAST: "dict[Language, str]" = {
    "en": "SmolLM2-135M plays the supporter and the user, with an adapter trained on our scripts, and the judge",
    "zh": "SmolLM2-135M, which speaks little Chinese, plays the supporter, the user and the judge",
}


def _watch(screen: "DialogueScreen", out: Path, limit: int, rounds: int, language: Language) -> "tuple[Run, Path]":
    """Have the embedded model play, and return the run and its page."""
    from cocoon.api.demo.live import live_run
    from cocoon.api.demo.page import write_trace_page

    screen.say(f"{_CAST[language]}: this shows the machinery, not the science.")
    run = live_run(out, limit, rounds, language, screen, screen)
    finish(run, as_json=False)
    return run, write_trace_page(run.path, language)


def _results(screen: "DialogueScreen", run: "Run") -> None:
    """Show the evidence about the dialogue that was played, and the main table."""
    from cocoon.evaluation.facts import facts_of
    from cocoon.evaluation.groups import group_ratings
    from cocoon.reports.tables.scores import main_table

    screen.evidence(run.ratings)
    groups = group_ratings(run.ratings, {dialogue.id: facts_of(dialogue) for dialogue in run}, run.failures)
    screen.table(main_table(groups), MEASURES)


def _try_next(screen: "DialogueScreen", out: Path, recorded: bool) -> None:
    cocoon = "cocoon" if shutil.which("cocoon") else os.path.relpath(sys.argv[0])
    then = "demo    (the embedded model, live)" if recorded else "chat    (talk with the user yourself)"
    screen.say(
        f"Try next:\n  {cocoon} report {out}\n  {cocoon} {then}\n"
        f"  {cocoon} doctor --model openai:gpt-5-mini    (what your own endpoint can do)\n"
        f"  {cocoon} simulate --profiles shipped --supporter SPEC --user SPEC --judge SPEC --out runs/mine"
    )
