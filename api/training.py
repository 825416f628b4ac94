"""`train`: LoRA fine-tuning of a supporter on dialogues, and a look at the data before it starts."""

from dataclasses import dataclass
from pathlib import Path

from cocoon.api.reporter import Reporter
from cocoon.api.settings import out_folder, takes
from cocoon.core.verb_settings import Given, Options
from cocoon.reports.charts.losses import write_losses
from cocoon.reports.tables.records import Report
from cocoon.reports.tables.training import counts_report, marked
from cocoon.training.adapters.card import Card
from cocoon.training.config import TRAIN, TrainConfig, training_presets
from cocoon.training.fit.folder import is_main
from cocoon.training.fit.sft import prepare
from cocoon.training.fit.sft import train as fit


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


def train_config(given: Given[TrainConfig]) -> TrainConfig:
    """Return the settings of a training as a verb was given them. See `train`."""
    return given.resolve(training_presets()).config


@takes(TRAIN)
def train(
    *,
    out: str | Path,
    config: str | Path | None = None,
    preset: str | None = None,
    options: Options = (),
    progress: bool | Reporter = True,
    **settings: object,
) -> Trained:
    """Train a supporter on dialogues (LoRA) into the folder `out`, and return its adapter.

    The same call again goes on from the last checkpoint. `base` is `local:NAME-OR-PATH`, `dialogues` one file or
    several, `preset` a row of the paper's Table 3 such as `paper-cocoon`. `options` takes any setting by its dotted
    key, `config` a YAML file.
    """
    return fit_adapter(train_config(Given(TRAIN, settings, config, preset, options)), out, progress)


def fit_adapter(config: TrainConfig, out: str | Path, progress: bool | Reporter = True) -> Trained:
    """Train with a configuration, or go on with it. See `train`."""
    reporter, folder = Reporter.of(progress), out_folder(out)
    with reporter.training() as watch:
        card = fit(config, folder, watch, reporter.say)
    # Of several processes that train together, one writes and speaks.
    if is_main():
        write_losses(folder)
        reporter.trained(card, config.base, folder)
    return Trained(folder, card, f"{config.base}+adapter={folder}")


@takes(TRAIN)
def preview_training(
    *,
    config: str | Path | None = None,
    preset: str | None = None,
    options: Options = (),
    **settings: object,
) -> TrainingPreview:
    """Return what a training with these settings would be made of. See `train`."""
    return preview_of(train_config(Given(TRAIN, settings, config, preset, options)))


def preview_of(config: TrainConfig) -> TrainingPreview:
    """Return what a training with a configuration would be made of."""
    ready = prepare(config)
    return TrainingPreview(marked(ready.weights.tokenizer, ready.train.rows[0]), counts_report(ready))
