"""Settings of a sweep beside those of its runs: the base, directions, coefficients, placebos, kinds of user."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

from pydantic import Field, model_validator

from cocoon.core.config import EMBEDDED, StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.records import Record
from cocoon.core.settings import flag, refused
from cocoon.core.verb_settings import VerbSettings
from cocoon.steering.calibration.on_situations import SUPPORTER_PROMPT, CalibrateConfig, Voice
from cocoon.steering.control.control import Control
from cocoon.steering.directions.direction import At, Direction
from cocoon.studies.sweep.plan import KINDS, HistoryTokens, SweptUser


class SweepConfig(Record):
    """What a sweep compares. `direction`: files of directions, as `[NAME=]FILE[+at=starts|every]`."""

    direction: list[str] = Field(min_length=1, description="Files of directions.")
    coefficient: list[float] = Field(default=[], description="Coefficients beside 0.")
    ratio: list[float] = Field(default=[], description="In place of coefficients: the ratios for which they are found.")
    talks: str | None = flag(
        None, "With --ratio: calibrate on the moments of this run, in place of talks of this study.", metavar="RUN"
    )
    moments: int = flag(80, "With --ratio: calibrate on so many moments of talk (default: 80).", ge=8)
    coherence: str | None = flag(
        None, "A capable judge that reads replies of every arm for sense: shares in the report.", metavar="SPEC"
    )
    labels: str | None = flag(None, "With --ratio: a reader's labels, as for steer calibrate.")
    model: str = flag(EMBEDDED, "The supporter's base: local:BASE (default: the embedded model).", metavar="SPEC")
    users: str | None = flag(None, "Kinds of simulated user (default: guarded,people,prompted; own for Python code).")
    placebo: bool = flag(True, "Random directions at equal norm and equal surprise.")
    random: int = flag(
        20, "Random directions of equal norm for each direction; with fewer than 20 no cause is named.", ge=1, le=200
    )
    repeng: float | None = flag(
        None, "Dose of repeng's default direction; unless given, that of equal surprise; 0: leave it out."
    )
    tokens: HistoryTokens = flag("reply", "replies: steer earlier replies in the history too (default: reply).")
    at: At | None = flag(None, "As in +at=; default: as each direction was made.")
    served: str | None = flag(
        None, "Where a server of the base speaks for all arms: http://HOST/v1#NAME (see serve-plan).", metavar="SPEC"
    )
    allow_overlap: bool = flag(False, "Go on though profiles stand in the direction's pairs too.")

    @model_validator(mode="after")
    def _coefficients_or_ratios(self) -> "SweepConfig":
        if bool(self.coefficient) == bool(self.ratio):
            raise CocoonError("A sweep compares coefficients or ratios. Give --coefficient or --ratio, one of the two.")
        unused = {"talks", "moments", "labels"} & self.model_fields_set
        if self.at is not None and any("+at=" in text for text in self.direction):
            raise CocoonError(f"--at {self.at}: a --direction says +at= itself. Leave one of them out.")
        if self.coefficient and unused:
            raise CocoonError(f"--{min(unused)} says how coefficients are found for a --ratio. Leave it out.")
        if outlier := next((ratio for ratio in self.ratio if not 0 <= ratio <= 1), None):
            raise CocoonError(f"--ratio {outlier:g} is not a share. Give one between 0 and 1.")
        return self

    def voice(self, study: StudyConfig) -> Voice:
        """Return how the arms of the study speak."""
        supporter = study.supporters[0]
        return Voice(
            prompt=SUPPORTER_PROMPT,
            prompts=study.prompts,
            max_tokens=supporter.max_tokens,
            temperature=supporter.temperature or 0.0,
            top_p=supporter.top_p or 1.0,
            seed=study.seed,
        )

    def calibrating(self, study: StudyConfig) -> CalibrateConfig:
        """Return how coefficients are found: in the voice of the arms, at the tokens that are steered."""
        return CalibrateConfig(
            **self.voice(study).model_dump(),
            ratio=self.ratio,
            talks=self.talks,
            limit=self.moments,
            allow_overlap=self.allow_overlap,
            tokens=self.tokens,
            at=self.at,
            labels=self.labels,
            coherence=self.coherence,
        )

    def kinds(self, *, own_user: bool) -> list[SweptUser]:
        """Return the kinds of user in order. `own_user` says that the user is Python code, which has no kinds."""
        if own_user:
            if self.users:
                raise CocoonError(f"--users {self.users}: a user of Python code has no kinds. Leave --users out.")
            return ["own"]
        names = [name.strip() for name in (self.users or ",".join(KINDS)).split(",") if name.strip()]
        for name in names:
            if name not in KINDS:
                raise refused("users", name, KINDS)
        if not names:
            raise CocoonError(f"--users {self.users}: choose {', '.join(KINDS)}, or some of them")
        return [name for name in KINDS if name in names]

    def refuse_unserved(self) -> None:
        """Raise CocoonError for a served row that is no address, and for what a server cannot do."""
        if self.served is None:
            return
        if not self.served.startswith(("http://", "https://")) or "#" not in self.served:
            raise CocoonError(f"--served {self.served}: write the server's address and the row, http://HOST/v1#NAME")
        if self.tokens == "replies":
            raise CocoonError(
                "--tokens replies: a server is not told where earlier replies stand in a prompt. Leave --tokens or "
                "--served out."
            )

    def control(self, direction: Direction) -> Control:
        """Return a direction as the arms are steered by it."""
        return Control(direction, tokens=self.tokens, at=self.at)

    def directions(self) -> dict[str, Direction]:
        """Read the directions, by name. Raises CocoonError for two of one name."""
        named = [_named(text) for text in self.direction]
        names = [name for name, _ in named]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise CocoonError(f"--direction: two directions are named {twice!r}; name them, as in reply=FILE")
        return dict(named)


SWEPT = VerbSettings("steer sweep", SweepConfig)


def _named(text: str) -> tuple[str, Direction]:
    """Return the name and the direction of `[NAME=]FILE[+at=starts|every]`, as it is to be added."""
    file, _, at = text.partition("+at=")
    name, equals, path = file.partition("=")
    direction = Direction.load(Path(path if equals else file).expanduser())
    if at:
        if at not in get_args(At):
            raise refused("direction", text, [f"{file}+at={each}" for each in get_args(At)])
        direction = replace(direction, card=direction.card.model_copy(update={"at": at}))
    return name if equals else direction.kind, direction
