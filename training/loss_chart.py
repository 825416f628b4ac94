"""The losses of a training as a drawing."""

from collections.abc import Mapping, Sequence
from typing import Any

from cocoon.evaluation.chart_records import Mark, Panel, PanelChart, Series
from cocoon.evaluation.charts import draw


def draw_losses(history: Sequence[Mapping[str, Any]], best: int | None, name: str) -> str:
    """SVG of training and validation loss by step; `history` is the trainer's."""
    lines = [("training", "loss"), ("validation", "eval_loss")]
    series = [Series(name=label, marks=_marks(history, key)) for label, key in lines]
    shown = [one for one in series if one.marks]
    panel = Panel(title="Loss per trained token", x_axis="step", y_axis="nats", series=shown)
    chosen = f"The adapter is that of step {best}, where validation was lowest." if best is not None else ""
    chart = PanelChart(title=f"Losses of {name}", note=chosen, empty="no step was logged", panels=[panel], lines=True)
    return draw(chart, "losses", standalone=True)


def _marks(history: Sequence[Mapping[str, Any]], key: str) -> list[Mark]:
    """One mark a step; where a step was logged twice, as after a resume, the later one."""
    values = {int(one["step"]): float(one[key]) for one in history if key in one}
    return [Mark(x=float(step), y=value) for step, value in sorted(values.items())]
