"""Draw the losses of a training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cocoon.core.jsonl import read_lines, write_whole
from cocoon.reports.charts.draw import draw_chart
from cocoon.reports.charts.records import Mark, Panel, PanelChart, Series
from cocoon.training.adapters.card import read_card


def write_losses(out: Path) -> None:
    """Draw the losses of a finished training beside its adapter, as losses.svg."""
    card, file = read_card(out), out / "losses.jsonl"
    if card is not None and file.exists():
        history = [line for _, line in read_lines(file)]
        write_whole(out / "losses.svg", [draw_losses(history, card.best_step, card.name).encode()])


def draw_losses(history: Sequence[Mapping[str, Any]], best: int | None, name: str) -> str:
    """Return an SVG of training and validation loss by step. `history` is the log of the trainer."""
    lines = [("training", "loss"), ("validation", "eval_loss")]
    series = [Series(name=label, marks=_marks(history, key)) for label, key in lines]
    drawable = [curve for curve in series if curve.marks]
    panel = Panel(title="Loss per trained token", x_axis="step", y_axis="nats", series=drawable)
    note = f"The adapter is that of step {best}, where validation was lowest." if best is not None else ""
    chart = PanelChart(title=f"Losses of {name}", note=note, empty="no step was logged", panels=[panel], lines=True)
    return draw_chart(chart, "losses", standalone=True)


def _marks(history: Sequence[Mapping[str, Any]], key: str) -> list[Mark]:
    """Return one mark per step, using the later one if a step was logged twice (as after a resume)."""
    values = {int(entry["step"]): float(entry[key]) for entry in history if key in entry}
    return [Mark(x=float(step), y=value) for step, value in sorted(values.items())]
