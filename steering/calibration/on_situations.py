"""From a direction's file and situations to its coefficients: settings, reading, and the calibration's file."""

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import Field, JsonValue

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, read_records, write_whole
from cocoon.core.prompts import Prompt, load_prompt
from cocoon.core.records import Language, Record
from cocoon.core.settings import flag
from cocoon.core.verb_settings import VerbSettings
from cocoon.models.local.weights import Weights
from cocoon.steering.calibration.behaviour import Arm, SampledReply, Speaking, sample_replies
from cocoon.steering.calibration.calibrate import Calibration, ReplyReader, calibrate
from cocoon.steering.calibration.check import Transfer, check_of
from cocoon.steering.calibration.detector import Trust, labels_of, read_labels, trust
from cocoon.steering.control.control import Control, check_fit
from cocoon.steering.control.injection import Mode, Tokens
from cocoon.steering.directions.direction import At, Direction
from cocoon.steering.directions.from_pairs import language_of
from cocoon.steering.pairs.pairs import SHIPPED, read_pairs
from cocoon.steering.pairs.situations import Situation, check_apart, marks, read_situations, spread_situations

Say = Callable[[str], None]
SUPPORTER_PROMPT = "plain"
"""The prompt of the supporters of a sweep, of those prompts that are in `prompts/supporter`."""
NO_LABELS = "none"


class Voice(Record):
    """How the model speaks that is to be steered: the prompt of a supporter, and the limits of its replies."""

    prompt: str = flag(SUPPORTER_PROMPT, "The supporter's prompt under which it speaks (default: plain, a sweep's).")
    prompts: str | None = flag(None, "A folder of your own prompts.", metavar="FOLDER")
    max_tokens: int = flag(200, "Most tokens of one reply (default: 200, a supporter's).", ge=1)
    temperature: float = flag(0.7, "Its temperature (default: 0.7, a supporter's).", ge=0, le=2)
    top_p: float = flag(1.0, "Its top_p (default: 1).", gt=0, le=1)
    seed: int = flag(0, "Of the replies that are drawn.")

    @property
    def speaking(self) -> Speaking:
        """How replies are sampled: as the supporter of a study speaks."""
        return Speaking(self.max_tokens, self.temperature, self.top_p, seed=self.seed, system=self.system)

    def system(self, situation: Situation) -> str:
        """Return the system prompt of the supporter. Raises CocoonError for a prompt that does not exist."""
        return self.prompt_in(situation.language).render()

    def prompt_in(self, language: Language) -> Prompt:
        """Return the prompt in a language. Raises CocoonError for a prompt that does not exist."""
        return load_prompt(f"supporter/{self.prompt}", language, Path(self.prompts) if self.prompts else None)


class CalibrateConfig(Voice):
    """Settings of a calibration. `mode`, `tokens` and `at` are those of a spec (`+mode=`, `+tokens=`, `+at=`).

    With `talks`, the voice is that of the supporter of that run, as far as it is not given.
    """

    ratio: list[float] = Field(min_length=1, description="Shares of replies that ask, 0 to 1.")
    talks: str | None = flag(
        None, "The folder of a run or a sweep: its moments, prompt and limits of a reply are taken.", metavar="RUN"
    )
    situations: str | None = flag(None, "A JSONL file of situations, profiles or dialogues; default: shipped ones.")
    limit: int = flag(80, "At most so many situations (default: 80).", short="-n", ge=8)
    check: int = flag(0, "Hold the coefficients against so many situations of other people (default: 0).", ge=0)
    samples: int = flag(2, "Replies to each situation and coefficient (default: 2).", ge=1)
    allow_overlap: bool = flag(False, "Go on though situations stand in the direction's pairs too.")
    mode: Mode = flag("add", "add (default), norm or ablate, as in +mode=.", metavar="MODE")
    tokens: Tokens = flag("reply", "reply (default), replies, prompt or both, as in +tokens=.", metavar="TOKENS")
    at: At | None = flag(None, "every or starts, as in +at=; default: what the direction was made for.", metavar="AT")
    coherence: str | None = flag(
        None, "A capable judge that reads replies for sense, for the guard against broken speech.", metavar="SPEC"
    )
    labels: str | None = flag(
        None,
        "Replies that a reader labelled, by which ratios are corrected: shipped:en, a file, or none (default: the "
        "shipped ones for the model and the way of steering that they are of).",
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

    def spoke(self, languages: Iterable[Language]) -> dict[str, JsonValue]:
        """Return under which prompts and limits the model speaks, for the calibration's file."""
        prompts: dict[str, JsonValue] = {
            f"supporter/{self.prompt}.{language}": self.prompt_in(language).sha for language in sorted(set(languages))
        }
        limits = {name: getattr(self, name) for name in ("max_tokens", "temperature", "top_p", "seed")}
        return {"prompts": prompts, "talks": self.talks or self.situations or SHIPPED, **limits}


CALIBRATE = VerbSettings("steer calibrate", CalibrateConfig)


@dataclass(frozen=True)
class Calibrated:
    """The coefficients of the target ratios. `overlap` counts the situations that are in the direction's pairs too.

    `overlap` is None if the pairs cannot be read. `spec` is the model, steered to the first ratio. `path` is the file
    that holds the calibration, or None. `transfer` sums up how the coefficients did with other people, or is None.
    """

    calibration: Calibration
    overlap: int | None
    spec: str
    path: Path | None = None
    transfer: Transfer | None = None

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
    """A calibration that is ready to start: direction, situations and labels are read.

    `checked` are situations of other people, against which the coefficients are held.
    """

    config: CalibrateConfig
    file: Path
    direction: Direction
    control: Control
    situations: list[Situation]
    overlap: int | None
    reader: Trust | None
    checked: list[Situation] = field(default_factory=list)

    @classmethod
    def of(
        cls, config: CalibrateConfig, file: Path, say: Say, moments: Sequence[Situation] | None = None
    ) -> "CalibrationTask":
        """Read what the settings name. `moments` are those of `talks`, which are not read here.

        Raises CocoonError for situations that are in the direction's pairs too.
        """
        direction = Direction.load(file)
        control = config.control(direction)
        name = config.situations or f"shipped:{language_of(direction)}:calibrate"
        available = read_situations(name) if moments is None else moments
        situations, checked = parted(available, config)
        overlap = _count_overlap(direction, [*situations, *checked], config.allow_overlap, say)
        labels = labels_of(direction.card, control.at) if config.labels is None else config.labels
        reader = trust(read_labels(labels)) if labels not in (None, NO_LABELS) else None
        return cls(config, file, direction, control, situations, overlap, reader, checked)

    def run(
        self, weights: Weights, model: str, out: Path | None, say: Say, read: ReplyReader | None = None
    ) -> Calibrated:
        """Find the coefficients for `model`, whose weights are given, and write the calibration to `out` if given.

        Replies are kept beside `out`, and a second call goes on from those that are there. `read` has a judge read
        them.
        """
        check_fit(self.direction, weights, f"direction {str(self.file)!r}")
        replies_file = out.with_name(f"{out.stem}.{self._digest(weights)}.replies.jsonl") if out is not None else None
        known = (
            list(read_records(replies_file, SampledReply)) if replies_file is not None and replies_file.exists() else []
        )

        def save(replies: Sequence[SampledReply]) -> None:
            if replies_file is not None:
                write_whole(replies_file, map(dump_line, replies))

        calibration, _ = calibrate(
            weights,
            self.control,
            self.situations,
            self.config.ratio,
            samples=self.config.samples,
            speaking=self.config.speaking,
            tell=say,
            reader=self.reader,
            known=known,
            save=save,
            read=read,
        )
        spoke = self.config.spoke(situation.language for situation in self.situations)
        calibration = calibration.model_copy(update={"spoke": spoke})
        transfer = None
        if self.checked:
            say(f"holding the coefficients against {len(self.checked)} situations of other people ...")
            targets = {found.target: round(found.coefficient, 6) for found in calibration.found}
            replies = self._checking(weights, sorted(set(targets.values())), known, save)
            checks, transfer = check_of(targets, replies, self.reader)
            calibration = calibration.model_copy(update={"checks": checks})
        if out is not None:
            write_whole(out, [calibration.model_dump_json(indent=1).encode()])
        spec = f"{model}+steer={self.file}:{calibration.found[0].coefficient:.4f}{self.config.spec_options}"
        return Calibrated(calibration, self.overlap, spec, out, transfer)

    def _checking(
        self,
        weights: Weights,
        coefficients: Sequence[float],
        known: list[SampledReply],
        save: Callable[[Sequence[SampledReply]], None],
    ) -> list[SampledReply]:
        """Return the replies to the situations of other people, and write those that are missing."""
        arms = [Arm("checked", coefficient, self.control) for coefficient in coefficients]
        known += sample_replies(
            weights,
            self.checked,
            arms,
            self.config.samples,
            # Other random numbers than those that the coefficients were chosen by.
            replace(self.config.speaking, seed=self.config.seed + 1),
            known={reply.key for reply in known},
            keep=lambda written: save([*known, *written]),
        )
        names = {situation.id for situation in self.checked}
        return [reply for reply in known if reply.situation in names and reply.coefficient in coefficients]

    def _digest(self, weights: Weights) -> str:
        """Return what tells kept replies of other models, directions, situations or settings apart."""
        spoke = self.config.spoke(situation.language for situation in [*self.situations, *self.checked])
        model = (weights.name, weights.revision, weights.template.sha256)
        parts = (*model, self.control.facts(), spoke, self.config.samples, self.config.coherence)
        said = [situation.model_dump_json() for situation in (*self.situations, *self.checked)]
        return hashlib.sha256(repr((parts, said)).encode()).hexdigest()[:8]


def parted(available: Sequence[Situation], config: CalibrateConfig) -> tuple[list[Situation], list[Situation]]:
    """Return the situations to calibrate on, and those of other people to check on.

    People are divided in the proportion of `limit` to `check`. Each gives as many moments as are needed.
    """
    total = config.limit + config.check
    people = len({situation.unit for situation in available})
    chosen = spread_situations(available, total, config.seed, each=max(1, math.ceil(total / max(1, people))))
    units = list(dict.fromkeys(situation.unit for situation in chosen))
    learned = set(units[: round(len(units) * config.limit / total)])
    checked = [situation for situation in chosen if situation.unit not in learned]
    if config.check and not (learned and checked):
        raise CocoonError(f"--check {config.check}: {len(units)} people are too few to keep some apart. Leave it out.")
    return [situation for situation in chosen if situation.unit in learned], checked


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
