"""Runs a training from the command line: preview, progress, what came of it."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cocoon.api.reporter import say
from cocoon.core.config import _flat, _read_yaml, resolve_as
from cocoon.core.errors import CocoonError, StoppedError
from cocoon.training.config import TrainConfig

if TYPE_CHECKING:
    from cocoon.training.adapters.card import Card

PLAIN_EVERY = 10.0


def settings(
    file: Path | None, options: Sequence[str], flags: Mapping[str, Any], preset: str | None = None
) -> TrainConfig:
    """The settings of a training: preset, file, environment, -o, flags."""
    return resolve_as(TrainConfig, file, options, flags, preset=preset, presets=presets()).config


def presets() -> dict[str, dict[str, Any]]:
    """The shipped presets, by name."""
    folder = Path(str(resources.files("cocoon.training"))) / "presets"
    return {file.stem: dict(_flat(_read_yaml(file))) for file in sorted(folder.glob("*.yaml"))}


def run_preview(config: TrainConfig, as_json: bool) -> None:
    """Print one example with its trained parts marked, and the counts."""
    from cocoon.cli.terminal.terminal_text import printable
    from cocoon.reports.formats.json_value import to_json
    from cocoon.reports.formats.markdown import render_markdown
    from cocoon.reports.tables.training import MARKS, counts_report, marked
    from cocoon.training.fit.sft import prepare

    ready = prepare(config)
    report = counts_report(ready)
    example = marked(ready.weights.tokenizer, ready.train.rows[0])
    if as_json:
        typer.echo(json.dumps(to_json(report) | {"example": example}, ensure_ascii=False))
        return
    say(f"one example; what is trained stands between {MARKS[0]} and {MARKS[1]}")
    typer.echo("\n".join(printable(line) for line in example.split("\n")))
    typer.echo("")
    typer.echo(render_markdown(report))


def run_training(config: TrainConfig, out: Path, as_json: bool) -> None:
    """Train, show progress, and say where the adapter is."""
    from cocoon.reports.charts.losses import write_losses
    from cocoon.training.fit.folder import is_main
    from cocoon.training.fit.sft import train

    try:
        with Progress() as watch:
            card = train(config, out, watch, say)
    except KeyboardInterrupt:
        raise StoppedError("stopped; the same command goes on from the last checkpoint") from None
    if is_main():
        write_losses(out)
        _tell(config, out, card, as_json)


def _tell(config: TrainConfig, out: Path, card: "Card", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"out": str(out)} | card.model_dump(mode="json"), ensure_ascii=False))
    if card.best_loss is not None:
        before = f" (before: {card.loss_before:.4f})" if card.loss_before is not None else ""
        say(f"{card.steps} steps; validation loss {card.best_loss:.4f} at step {card.best_step}{before}")
        if card.loss_before is not None and card.best_loss >= card.loss_before:
            say("no checkpoint validates better than the base alone: this adapter has learnt nothing of use")
    say(f"adapter and card in {out}; losses in {out}/losses.svg")
    say(f"next: cocoon simulate --supporter '{config.base}+adapter={out}' ...")


def run_merge(adapter: Path, out: Path, base: str | None, dtype: str, as_json: bool) -> None:
    """Merge and say what was made."""
    from cocoon.training.adapters.merge import merge

    if dtype not in ("float32", "bfloat16"):
        raise CocoonError(f"--dtype {dtype!r}: float32 or bfloat16; quantised weights are not merged into")
    name = base.removeprefix("local:") if base else None
    made = merge(adapter, out, name, "float32" if dtype == "float32" else "bfloat16")
    if as_json:
        typer.echo(json.dumps(asdict(made)))
    else:
        typer.echo(f"{made.parameters:,} parameters in {made.dtype} in {out}")
    say(f"largest difference of a logit, merged against beside the base: {made.change:.2g}")
    if made.note:
        say(made.note)


def run_hand_over(config: TrainConfig, template: str, out: Path, i_have_the_right: bool, as_json: bool) -> None:
    """Write LLaMA-Factory's folder and say what is in it."""
    from cocoon.training.llama_factory import hand_over

    made = hand_over(config, template, out, i_have_the_right=i_have_the_right)
    told = f"{made.train} dialogues to train on, {made.validation} to validate, in {out}; {out}/README.md tells more"
    typer.echo(json.dumps(asdict(made)) if as_json else told)


class Progress:
    """Shows a training on stderr: a bar in a terminal, elsewhere a line every ten seconds and at each validation."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._told = 0.0
        self._bar: Any = None
        self._task: Any = None
        self._words = ""

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
            self._bar = Bar(*columns, console=Console(file=sys.stderr), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *given: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, step: Any) -> None:
        """Take a step of `cocoon.training.fit.trainer.TrainingStep`."""
        validated = step.validation_loss is not None
        if validated:
            self._words = f" · validation {step.validation_loss:.4f}"
        loss = f" · loss {step.loss:.4f}" if step.loss is not None else ""
        line = f"epoch {step.epoch:.2f}{loss}{self._words}"
        if self._bar is not None:
            self._task = self._task if self._task is not None else self._bar.add_task(line, total=step.steps)
            self._bar.update(self._task, completed=step.step, description=line)
        elif validated or time.monotonic() - self._told > PLAIN_EVERY:
            self._told = time.monotonic()
            say(f"[{time.monotonic() - self._began:.0f} s] step {step.step}/{step.steps} · {line}")
