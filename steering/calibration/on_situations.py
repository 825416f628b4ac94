"""From a direction's file and situations to its coefficients: settings, reading, and the calibration's file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Record
from cocoon.core.settings import flag
from cocoon.core.verb_settings import VerbSettings
from cocoon.models.local.weights import Weights
from cocoon.steering.calibration.behaviour import Speaking
from cocoon.steering.calibration.calibrate import Calibration, calibrate
from cocoon.steering.calibration.detector import Trust, read_labels, trust
from cocoon.steering.control.control import Control, check_fit
from cocoon.steering.control.injection import Mode, Tokens
from cocoon.steering.directions.direction import At, Direction
from cocoon.steering.directions.from_pairs import language_of
from cocoon.steering.pairs.pairs import read_pairs
from cocoon.steering.pairs.situations import Situation, check_apart, marks, read_situations, spread_situations

Say = Callable[[str], None]


class CalibrateConfig(Record):
    """Settings of a calibration. `mode`, `tokens` and `at` are those of a spec (`+mode=`, `+tokens=`, `+at=`)."""

    ratio: list[float] = Field(min_length=1, description="Shares of replies that ask, 0 to 1.")
    situations: str | None = flag(None, "A JSONL file of situations, profiles or dialogues; default: shipped ones.")
    limit: int = flag(80, "At most so many situations (default: 80).", short="-n", ge=8)
    samples: int = flag(2, "Replies to each situation and coefficient (default: 2).", ge=1)
    max_tokens: int = flag(64, "Most tokens of one reply (default: 64).", ge=1)
    seed: int = flag(0, "Of the replies that are drawn.")
    allow_overlap: bool = flag(False, "Go on though situations stand in the direction's pairs too.")
    mode: Mode = flag("add", "add (default), norm or ablate, as in +mode=.", metavar="MODE")
    tokens: Tokens = flag("reply", "reply (default), replies, prompt or both, as in +tokens=.", metavar="TOKENS")
    at: At | None = flag(None, "every or starts, as in +at=; default: what the direction was made for.", metavar="AT")
    labels: str | None = flag(
        None, "Replies that a reader labelled, by which ratios are corrected: shipped:en, or a file."
    )

    def control(self, direction: Direction) -> Control:
        """Return a direction as it is to be applied."""
        return Control(direction, mode=self.mode, tokens=self.tokens, at=self.at)

    @property
    def spec_options(self) -> str:
        """The options of a spec that applies the direction in the same way."""
        usual = {"mode": "add", "tokens": "reply", "at": None}
        values = {name: getattr(self, name) for name in usual}
        return "".join(f"+{name}={value}" for name, value in values.items() if value != usual[name])


CALIBRATE = VerbSettings("steer calibrate", CalibrateConfig)


@dataclass(frozen=True)
class Calibrated:
    """The coefficients of the target ratios. `overlap` counts the situations that are in the direction's pairs too.

    `overlap` is None if the pairs cannot be read. `spec` is the model, steered to the first ratio. `path` is the file
    that holds the calibration, or None.
    """

    calibration: Calibration
    overlap: int | None
    spec: str
    path: Path | None = None

    @property
    def coefficient(self) -> float:
        """The coefficient of the first ratio."""
        return self.calibration.found[0].coefficient

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of that coefficient."""
        return self.calibration.found[0].interval


@dataclass(frozen=True)
class CalibrationTask:
    """A calibration that is ready to start: direction, situations and labels are read."""

    config: CalibrateConfig
    file: Path
    direction: Direction
    control: Control
    situations: list[Situation]
    overlap: int | None
    reader: Trust | None

    @classmethod
    def of(cls, config: CalibrateConfig, file: Path, say: Say) -> "CalibrationTask":
        """Read what the settings name. Raises CocoonError for situations that are in the direction's pairs too."""
        direction = Direction.load(file)
        control = config.control(direction)
        name = config.situations or f"shipped:{language_of(direction)}:calibrate"
        situations = spread_situations(read_situations(name), config.limit, config.seed)
        overlap = _count_overlap(direction, situations, config.allow_overlap, say)
        reader = trust(read_labels(config.labels)) if config.labels else None
        return cls(config, file, direction, control, situations, overlap, reader)

    def run(self, weights: Weights, model: str, out: Path | None, say: Say) -> Calibrated:
        """Find the coefficients for `model`, whose weights are given, and write the calibration to `out` if given."""
        check_fit(self.direction, weights, f"direction {str(self.file)!r}")
        calibration, _ = calibrate(
            weights,
            self.control,
            self.situations,
            self.config.ratio,
            samples=self.config.samples,
            speaking=Speaking(self.config.max_tokens, seed=self.config.seed),
            tell=say,
            reader=self.reader,
        )
        if out is not None:
            write_whole(out, [calibration.model_dump_json(indent=1).encode()])
        spec = f"{model}+steer={self.file}:{calibration.found[0].coefficient:.4f}{self.config.spec_options}"
        return Calibrated(calibration, self.overlap, spec, out)


def _count_overlap(direction: Direction, situations: Sequence[Situation], allowed: bool, say: Say) -> int | None:
    """Return how many situations are in what the direction was made from too, or None if that cannot be read.

    Raises CocoonError for more than 0 unless that is `allowed`.
    """
    sets = {"situations": marks(situations)}
    try:
        sets["pairs"] = [(pair.situation, pair.said) for pair in read_pairs(direction.card.pairs)]
        if direction.card.chosen_on:
            sets["choose"] = marks(read_situations(direction.card.chosen_on))
    except CocoonError:
        say(f"the direction's pairs ({direction.card.pairs or 'not named'}) cannot be read: overlap was not checked")
        return None
    return len(check_apart(sets, allowed=allowed))
