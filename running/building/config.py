"""Settings of the runs that build data: profiles and script-based dialogues."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field, field_validator, model_validator

from cocoon.core.config import EMBEDDED, MOST, RunConfig
from cocoon.core.records import Language
from cocoon.core.sampling import SamplingConfig
from cocoon.core.settings import flag
from cocoon.core.verb_settings import UNDIVIDED, VerbSettings

# Under the paper's rules a dialogue is to be about as long as in its Table 1: 18.82 turns of one speaker and the other.
_LENGTHS_OF_PAPER: Mapping[str, Any] = {"minimum_rounds": 8, "minimum_turns": 30, "pieces": 8, "suggestions": 8}
_LONGEST_OF_PAPER = 4000
PROFILES = "Profiles: a JSONL file, or shipped:en, shipped:zh, shipped. Repeatable."


class WriterConfig(SamplingConfig):
    """The model that writes."""

    model: str = flag(EMBEDDED, "The model that writes.", keyword="writer", metavar="SPEC")
    temperature: float | None = Field(default=0.8, ge=0, le=2, description="Its temperature. Null sends none.")
    max_tokens: int = Field(default=1200, ge=1, description="Most tokens of one answer, without thoughts.")


class ReaderConfig(SamplingConfig):
    """The judge that reads profiles for sense. `floor` is the same as for other judges."""

    model: str = flag(EMBEDDED, "The judge's model.", keyword="judge", metavar="SPEC")
    temperature: float | None = Field(default=0.0, ge=0, le=2, description="Its temperature. Null sends none.")
    max_tokens: int = Field(default=500, ge=1, description="Most tokens of one answer, without thoughts.")
    floor: float = Field(default=0.0, ge=0, le=1, description="Least probability of the legal answers.")


class RaterConfig(SamplingConfig):
    """The model that rates and checks, or None for the writer's model. `floor` is the same as for judges."""

    model: str | None = flag(None, "The model that checks and rates.", keyword="rater", metavar="SPEC")
    temperature: float | None = Field(default=0.0, ge=0, le=2, description="Its temperature. Null sends none.")
    max_tokens: int = Field(default=500, ge=1, description="Most tokens of one answer, without thoughts.")
    floor: float = Field(default=0.0, ge=0, le=1, description="Least probability of the legal answers.")


class BuildingConfig(RunConfig):
    """What every run that builds data can be told."""

    @property
    def prompt_folder(self) -> Path | None:
        """Return the folder of the user's own prompts, where one is given."""
        return Path(self.prompts) if self.prompts else None


class GenerationConfig(BuildingConfig):
    """The settings that all runs that build data share."""

    free_keys: ClassVar[tuple[str, ...]] = (*RunConfig.free_keys, "limit")

    writer: WriterConfig = Field(default=WriterConfig(), description="The model that writes.")
    rater: RaterConfig = Field(default=RaterConfig(), description="The model that checks and rates.")

    @property
    def rater_model(self) -> str:
        """Return the rater's spec."""
        return self.rater.model or self.writer.model


class SenseConfig(BuildingConfig):
    """The settings of all who read profiles for sense."""

    free_keys: ClassVar[tuple[str, ...]] = (*RunConfig.free_keys, "limit", "least_plausible", "least_relevance")

    least_plausible: int = Field(default=3, ge=1, le=5, description="Plausibility below which a profile is dropped.")
    least_relevance: int = Field(default=3, ge=1, le=5, description="Relevance of a step below which it is dropped.")


class ProfileBuildConfig(GenerationConfig, SenseConfig):
    """Settings of `cocoon profiles build`."""

    free_keys: ClassVar[tuple[str, ...]] = (*SenseConfig.free_keys, "near_duplicate", "sense")

    verb: Literal["profiles build"] = "profiles build"
    limit: int | None = flag(20, "Profiles to try, over all languages.", short="-n", ge=1, le=MOST)
    languages: list[Language] = flag(
        ["zh", "en"], "zh, en or both.", option="--language", metavar="zh|en|both", commas=True, min_length=1
    )
    taxonomy: str | None = flag(None, "Scenarios, emotions and seed needs of your own (YAML).", metavar="FILE")
    longest_chain: int = Field(default=3, ge=2, le=5, description="Most nodes of a chain, the initial need included.")
    # The paper does not say what becomes of such a chain.
    keep_shallow: bool = Field(
        default=True, description="Whether a chain is kept that is still on the surface at its greatest length."
    )
    memories: tuple[int, int] = Field(default=(6, 8), description="Fewest and most memories.")
    near_duplicate: float = Field(
        default=85.0,
        gt=0,
        le=100,
        description="Likeness of feeling and need from which the later of two profiles is dropped.",
    )
    sense: bool = Field(default=True, description="Whether the rater reads each profile for sense.")

    @classmethod
    def verb_of(cls) -> str:
        return "profiles build"

    @field_validator("languages", mode="before")
    @classmethod
    def _both_is_every_language(cls, languages: object) -> object:
        return list(get_args(Language)) if languages in ("both", ["both"]) else languages


class ScriptConfig(GenerationConfig):
    """Settings of `cocoon script`."""

    free_keys: ClassVar[tuple[str, ...]] = (
        *GenerationConfig.free_keys,
        *("threshold", "aels_mean", "aels_share", "screen_pieces"),
    )

    verb: Literal["script"] = "script"
    writer: WriterConfig = Field(default=WriterConfig(max_tokens=2000), description="The model of both roles.")
    profiles: list[str] = flag([], PROFILES, metavar="FILE")
    language: Language | None = flag(None, "Only profiles in this language.")
    writer_rules: Literal["ours", "paper"] = flag(
        "ours", "The rules of the writer: ours, or those of the paper's Figures 12 and 13."
    )
    rewrite: Literal["closed", "all", "none"] = flag(
        "closed", "Questions that become statements (closed: rhetorical and choice too)."
    )
    semantic: Literal["auto", "static", "none"] = Field(default="auto", description="How likeness is measured.")
    minimum_rounds: int = Field(default=5, ge=1, description="User turns before the need may appear (paper: 8).")
    minimum_turns: int = Field(default=12, ge=4, description="Turns of both in a complete dialogue (paper: 30).")
    exchanges: int = Field(default=3, ge=1, le=10, description="Exchanges that are written at a time.")
    pieces: int = Field(default=6, ge=1, description="Most pieces of a dialogue, repairs included (paper: 8).")
    screen_pieces: bool = Field(
        default=True, description="Whether each piece is screened as it is written, or all of them at the end."
    )
    suggestions: int = Field(default=4, ge=1, le=12, description="Fewest exchanges of suggestions (paper: 8).")
    threshold: Literal["share", "mean"] = flag(
        "share",
        "AELS filter: share (the lowest 12.5%), mean, or a number from 1 to 7.",
        metavar="share|mean|NUMBER",
    )
    aels_mean: float = Field(
        default=4.0, ge=1, le=7, description="Mean of the AELS subscales below which the threshold `mean` drops."
    )
    aels_share: float = Field(
        default=0.125, ge=0, lt=1, description="The lowest share, which the threshold `share` drops."
    )

    @classmethod
    def verb_of(cls) -> str:
        return "script"

    @model_validator(mode="before")
    @classmethod
    def _paper_is_longer(cls, values: object) -> object:
        """Take the lengths of the paper's rules where they are chosen and no others are given."""
        if not isinstance(values, dict) or values.get("writer_rules") != "paper":
            return values
        writer = values.get("writer", {})
        longest = {"writer": {"max_tokens": _LONGEST_OF_PAPER, **writer}} if isinstance(writer, dict) else {}
        return {**_LENGTHS_OF_PAPER, **values, **longest}

    @model_validator(mode="after")
    def _rules_can_be_kept(self) -> "ScriptConfig":
        """Refuse what no writer could keep, before anything is written."""
        if self.writer_rules == "paper" and self.rewrite == "none":
            raise ValueError("the paper's rules rewrite every reply; leave out rewrite none, or writer_rules paper")
        rounds = 1 + self.pieces * self.exchanges
        if rounds <= self.minimum_rounds:
            raise ValueError(
                f"pieces ({self.pieces}) of {self.exchanges} exchanges give {rounds} answers of the user, and the need "
                f"may only come after {self.minimum_rounds}; raise pieces or exchanges, or lower minimum_rounds"
            )
        turns = 2 * (rounds + 2 * self.suggestions) + 1
        if turns < self.minimum_turns:
            raise ValueError(f"no dialogue can have {self.minimum_turns} turns (minimum_turns); {turns} are the most")
        return self

    @model_validator(mode="before")
    @classmethod
    def _number_is_a_mean(cls, values: object) -> object:
        """Take a threshold that is a number, or the text of one, as the threshold `mean` of that height."""
        if not isinstance(values, dict) or values.get("threshold") in (None, "share", "mean"):
            return values
        try:
            return {**values, "threshold": "mean", "aels_mean": float(values["threshold"])}
        except (TypeError, ValueError):
            raise ValueError(f"threshold {values['threshold']!r} is not share, mean, or a number from 1 to 7") from None


class ProfileJudgeConfig(SenseConfig):
    """Settings of `cocoon profiles judge`."""

    verb: Literal["profiles judge"] = "profiles judge"
    judge: ReaderConfig = Field(default=ReaderConfig(), description="The judge that reads.")
    profiles: list[str] = flag([], PROFILES, metavar="FILE")
    language: Language | None = flag(None, "Only profiles in this language.")
    planted: bool = flag(False, "Read copies with a planted fault too, to see how many faults the judge finds.")

    @classmethod
    def verb_of(cls) -> str:
        return "profiles judge"


class TranslationConfig(GenerationConfig):
    """Settings of `cocoon profiles translate`. The writer translates."""

    verb: Literal["profiles translate"] = "profiles translate"
    writer: WriterConfig = Field(
        default=WriterConfig(temperature=0.0, max_tokens=3000), description="The model that translates."
    )
    profiles: list[str] = flag([], PROFILES, metavar="FILE")
    to: Language = flag("en", "The language to translate into.")

    @classmethod
    def verb_of(cls) -> str:
        return "profiles translate"


class PairsConfig(GenerationConfig):
    """Settings of `cocoon steer pairs`. For the last three, see `cocoon.steering.pairs.pairs.PairRules`."""

    verb: Literal["steer pairs"] = "steer pairs"
    writer: WriterConfig = Field(
        default=WriterConfig(temperature=0.8, max_tokens=900), description="The model that writes."
    )
    limit: int | None = flag(None, "Only N situations, one of each source.", short="-n", ge=1, le=MOST)
    situations: list[str] = flag([], "JSONL of situations, profiles or dialogues, or shipped:en:SET.")
    each: int = flag(6, "Pairs of each situation.", ge=1, le=20)
    length_gap: float = Field(default=0.4, ge=0, le=1, description="Most difference of length.")
    likeness: float = Field(default=40.0, ge=0, le=100, description="Least likeness of the two replies.")
    duplicate: float = Field(default=90.0, gt=0, le=100, description="Likeness from which a pair is a duplicate.")

    @classmethod
    def verb_of(cls) -> str:
        return "steer pairs"


SCRIPT = VerbSettings("script", ScriptConfig)
BUILD_PROFILES = VerbSettings("profiles build", ProfileBuildConfig)
JUDGE_PROFILES = VerbSettings("profiles judge", ProfileJudgeConfig, without=UNDIVIDED)
_UNUSED = ("rater", "batch", "batch_every", *UNDIVIDED)
TRANSLATE_PROFILES = VerbSettings("profiles translate", TranslationConfig, without=_UNUSED)
STEER_PAIRS = VerbSettings("steer pairs", PairsConfig, without=_UNUSED)
