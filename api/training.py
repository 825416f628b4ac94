"""`train`: LoRA fine-tuning of a supporter on dialogues, and a look at the data before it starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.api.reporter import Reporter
from cocoon.api.settings import Options, flags_of
from cocoon.core.config import resolve_as
from cocoon.reports.charts.losses import write_losses
from cocoon.reports.tables.records import Report
from cocoon.reports.tables.training import counts_report, marked
from cocoon.training.adapters.card import Card
from cocoon.training.config import TrainConfig, training_presets
from cocoon.training.fit.folder import is_main
from cocoon.training.fit.sft import prepare
from cocoon.training.fit.sft import train as fit

# Keyword (and flag, with - for _) to the dotted key of the configuration.
TRAIN_KEYWORDS = {
    "base": "base",
    "thoughts": "data.thoughts",
    "prompt": "data.prompt",
    "max_length": "data.max_length",
    "max_steps": "fit.steps",
    "epochs": "fit.epochs",
    "evaluate_every": "fit.evaluate_every",
    "patience": "fit.patience",
    "seed": "seed",
}
Files = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class Trained:
    """A trained adapter: its folder, its card, and the spec of a supporter with it."""

    path: Path
    card: Card
    spec: str


@dataclass(frozen=True)
class TrainingPreview:
    """What a training would be made of: one example with its trained parts marked, and the counts of all rows."""

    example: str
    report: Report


def train_config(
    *,
    dialogues: Files | None = None,
    held_out: Files | None = None,
    no_larger_than: Files | None = None,
    preset: str | None = None,
    config: str | Path | None = None,
    options: Options = (),
    **settings: Any,
) -> TrainConfig:
    """Return the settings of a training. See `train`."""
    flags = flags_of(settings, TRAIN_KEYWORDS) | {
        "dialogues": _names(dialogues),
        "data.held_out": _names(held_out),
        "data.no_larger_than": _names(no_larger_than),
    }
    file = Path(config) if config is not None else None
    # A mapping holds values as they are. Those of `-o` are read as YAML.
    mapped = dict(options) if isinstance(options, Mapping) else {}
    listed = [] if isinstance(options, Mapping) else list(options)
    return resolve_as(TrainConfig, file, listed, {**mapped, **flags}, preset=preset, presets=training_presets()).config


def train(*, out: str | Path, progress: bool | Reporter = True, **settings: Any) -> Trained:
    """Train a supporter on dialogues (LoRA) into the folder `out`, and return its adapter.

    The same call again goes on from the last checkpoint. `base` is `local:NAME-OR-PATH`, `dialogues` one file or
    several, `preset` a row of the paper's Table 3 such as `paper-cocoon`. Further settings have the names of the flags
    of `cocoon train`: `thoughts`, `prompt`, `epochs`, `max_steps`, `patience`, `held_out`, ... `options` takes any
    setting by its dotted key, `config` a YAML file.
    """
    reporter, config, folder = Reporter.of(progress), train_config(**settings), Path(out)
    with reporter.training() as watch:
        card = fit(config, folder, watch, reporter.say)
    # Of several processes that train together, one writes and speaks.
    if is_main():
        write_losses(folder)
        reporter.trained(card, config.base, folder)
    return Trained(folder, card, f"{config.base}+adapter={folder}")


def preview_training(**settings: Any) -> TrainingPreview:
    """Return what a training with these settings would be made of. See `train`."""
    ready = prepare(train_config(**settings))
    return TrainingPreview(marked(ready.weights.tokenizer, ready.train.rows[0]), counts_report(ready))


def _names(files: Files | None) -> list[str] | None:
    if files is None:
        return None
    return [str(files)] if isinstance(files, str | Path) else [str(file) for file in files]
