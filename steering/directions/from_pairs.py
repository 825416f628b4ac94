"""From a file of pairs to a direction's file: settings, reading, extraction, and the report of the extraction."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Language, Record
from cocoon.core.settings import flag, refused
from cocoon.core.verb_settings import VerbSettings
from cocoon.models.local.weights import Weights
from cocoon.steering.calibration.behaviour import Speaking
from cocoon.steering.control.control import read_layers
from cocoon.steering.directions.direction import At, Direction
from cocoon.steering.directions.estimate import Method
from cocoon.steering.directions.extract import TRIALS, Extraction, Recipe, extract
from cocoon.steering.pairs.contrast import POSITIONS, PairKind, Position
from cocoon.steering.pairs.pairs import Pair, read_pairs
from cocoon.steering.pairs.situations import Situation, check_apart, marks, read_situations

# The paper reads reply pairs over the whole reply, and adds the direction to every token (appendix F.2).
PAPER = Recipe("reply", "mean", "mean", at="every")
PAPER_PAIRS = 800


class ExtractConfig(Record):
    """Settings of an extraction. `preset` `paper` gives kind, position, method and tokens of the paper."""

    pairs: str = flag("shipped:en", "Pairs: a JSONL file, shipped:en (default) or shipped:zh.")
    limit: int | None = flag(None, "At most so many pairs, spread over the file (default: all).", short="-n", ge=2)
    kind: PairKind | None = flag(
        None, "instruction (default): before the reply; reply: question against statement.", metavar="KIND"
    )
    position: Position | None = flag(
        None, "reply pairs: mean, first or last; instruction pairs: prompt.", metavar="POSITION"
    )
    method: Method | None = flag(None, "mean (default), pca_diff, pca_center or probe.", metavar="METHOD")
    layers: str | None = flag(None, "Read only these, such as 0-24 (default: all).")
    band: str | None = flag(
        None, "Steer these, such as 16-24 (default: a small test chooses; minutes on a small model)."
    )
    choose: str | None = flag(None, "Situations for that test; default: the shipped ones of the pairs' language.")
    replies: int | None = flag(
        None, f"Replies to each situation, band and dose of that test (default: {TRIALS}).", ge=1
    )
    at: At | None = flag(
        None,
        "Steer at every token, or at starts of sentences; default: by the kind, reply or instruction.",
        metavar="AT",
    )
    preset: Literal["paper"] | None = flag(None, "paper: reply pairs (appendix F.2).", metavar="PRESET")
    max_tokens: int = flag(64, "Most tokens of one reply (default: 64).", ge=1)
    seed: int = flag(0, "Of the replies that are drawn.")

    def recipe(self) -> Recipe:
        """Return how the direction is made. Raises CocoonError for a choice that differs from that of the preset."""
        preset = Recipe() if self.preset is None else PAPER
        if self.preset is not None:
            self._agree_with_preset()
        kind = self.kind or preset.kind
        position = self.position or preset.position
        if position is not None and position not in POSITIONS[kind]:
            raise refused("position", position, POSITIONS[kind])
        layers = read_layers(self.layers) if self.layers else None
        band = read_layers(self.band) if self.band else None
        return Recipe(kind, position, self.method or preset.method, layers, band, self.at or preset.at)

    def _agree_with_preset(self) -> None:
        for name in ("kind", "position", "method", "at"):
            value, of_preset = getattr(self, name), getattr(PAPER, name)
            if value is not None and value != of_preset:
                raise CocoonError(f"--{name} {value}: --preset {self.preset} is {of_preset}; leave one out")


EXTRACT = VerbSettings("steer extract", ExtractConfig)


@dataclass(frozen=True)
class Extracted:
    """A direction in the file `path`, with how it was found. `report` is the file that holds this."""

    path: Path
    report: Path
    extraction: Extraction


@dataclass(frozen=True)
class ExtractionTask:
    """An extraction that is ready to start: its pairs and situations are read, and kept apart."""

    config: ExtractConfig
    recipe: Recipe
    pairs: list[Pair]
    choose: list[Situation]
    chosen_on: str

    @classmethod
    def of(cls, config: ExtractConfig) -> "ExtractionTask":
        """Read what the settings name. Raises CocoonError for situations that are in the pairs too."""
        recipe = config.recipe()
        pairs = read_pairs(config.pairs)
        if config.limit:
            pairs = pairs[:: max(1, len(pairs) // config.limit)][: config.limit]
        chosen_on = config.choose or f"shipped:{min(pair.language for pair in pairs)}:choose"
        choose = [] if recipe.band else read_situations(chosen_on)
        check_apart({"pairs": [(pair.situation, pair.said) for pair in pairs], "choose": marks(choose)})
        return cls(config, recipe, pairs, choose, "" if recipe.band else chosen_on)

    @property
    def remark(self) -> str | None:
        """What to know before it starts, or None."""
        if self.config.preset is None or len(self.pairs) >= PAPER_PAIRS:
            return None
        return (
            f"{len(self.pairs)} pairs; the paper's setting is more than {PAPER_PAIRS}: write more with "
            "`cocoon steer pairs`"
        )

    def run(self, weights: Weights, out: Path, adapter: str | None, say: Callable[[str], None]) -> Extracted:
        """Extract the direction, and write it to `out` and its report beside it.

        `adapter` names the adapter that is at work in the weights.
        """
        speaking = Speaking(self.config.max_tokens, seed=self.config.seed)
        direction, extraction = extract(
            weights, self.pairs, self.recipe, self.choose, speaking, say, self.config.replies or TRIALS
        )
        origin = {
            "pairs": self.config.pairs,
            "chosen_on": self.chosen_on,
            "adapter": adapter,
            "seed": self.config.seed,
        }
        card = direction.card.model_copy(update=origin)
        Direction(direction.vectors, direction.norms, card).save(out)
        report = out.with_suffix(".extraction.json")
        write_whole(report, [extraction.model_dump_json(indent=1).encode()])
        return Extracted(out, report, extraction)


def language_of(direction: Direction) -> Language:
    """Return the language of a direction's pairs, or English if they cannot be read."""
    try:
        return read_pairs(direction.card.pairs)[0].language
    except CocoonError:
        return "en"
