"""Settings of the runs that build data: profiles and script-based dialogues."""

from typing import ClassVar, Literal

from pydantic import Field

from cocoon.core.config import EMBEDDED, RunConfig
from cocoon.core.records import Language, Record


class WriterConfig(Record):
    """The model that writes."""

    model: str = EMBEDDED
    temperature: float = Field(default=0.8, ge=0, le=2)
    max_tokens: int = Field(default=1200, ge=1)


class RaterConfig(Record):
    """The model that rates and checks, or None for the writer's model. `floor` is the same as for judges."""

    model: str | None = None
    temperature: float = Field(default=0.0, ge=0, le=2)
    max_tokens: int = Field(default=500, ge=1)
    floor: float = Field(default=0.0, ge=0, le=1)


class GenerationConfig(RunConfig):
    """The settings that all runs that build data share."""

    free_keys: ClassVar[tuple[str, ...]] = (*RunConfig.free_keys, "limit")

    writer: WriterConfig = WriterConfig()
    rater: RaterConfig = RaterConfig()

    @property
    def rater_model(self) -> str:
        """Return the rater's spec."""
        return self.rater.model or self.writer.model


class ProfileBuildConfig(GenerationConfig):
    """Settings of `cocoon profiles build`. `limit` is the number of profiles that are tried, over all languages.

    `longest_chain` counts nodes, with the initial need included. `keep_shallow` says whether a chain is kept that is
    still on the surface (difficulty 1 or 2) at its greatest length, which the paper does not state. `near_duplicate` is
    the likeness of feeling and need, 0 to 100, from which the later of two profiles is dropped.
    """

    free_keys: ClassVar[tuple[str, ...]] = (*GenerationConfig.free_keys, "near_duplicate")

    verb: Literal["profiles build"] = "profiles build"
    limit: int | None = Field(default=20, ge=1)
    languages: list[Language] = Field(default=["zh", "en"], min_length=1)
    taxonomy: str | None = None
    longest_chain: int = Field(default=3, ge=2, le=5)
    keep_shallow: bool = True
    memories: tuple[int, int] = (6, 8)
    near_duplicate: float = Field(default=85.0, gt=0, le=100)

    @classmethod
    def verb_of(cls) -> str:
        return "profiles build"


class ScriptConfig(GenerationConfig):
    """Settings of `cocoon script`.

    `minimum_rounds` is the number of user turns before the need may appear, and `minimum_turns` that of a complete
    dialogue. `exchanges` are written at a time, in at most `pieces` pieces (repairs included). `suggestions` is the
    number of exchanges of the suggestion stage. `rewrite` says which questions of the listening stage become
    statements. `threshold` says how dialogues are dropped by the mean of the three AELS subscales (1 to 7): those below
    `aels_mean`, or the lowest `aels_share` of all.
    """

    free_keys: ClassVar[tuple[str, ...]] = (*GenerationConfig.free_keys, "threshold", "aels_mean", "aels_share")

    verb: Literal["script"] = "script"
    writer: WriterConfig = WriterConfig(max_tokens=2000)
    profiles: list[str] = []
    language: Language | None = None
    rewrite: Literal["closed", "all", "none"] = "closed"
    semantic: Literal["auto", "static", "none"] = "auto"
    minimum_rounds: int = Field(default=5, ge=1)
    minimum_turns: int = Field(default=12, ge=4)
    exchanges: int = Field(default=3, ge=1, le=10)
    pieces: int = Field(default=6, ge=1)
    suggestions: int = Field(default=4, ge=1, le=12)
    threshold: Literal["share", "mean"] = "share"
    aels_mean: float = Field(default=4.0, ge=1, le=7)
    aels_share: float = Field(default=0.125, ge=0, lt=1)

    @classmethod
    def verb_of(cls) -> str:
        return "script"


class TranslationConfig(GenerationConfig):
    """Settings of `cocoon profiles translate`. The writer translates. `to` is the target language."""

    verb: Literal["profiles translate"] = "profiles translate"
    writer: WriterConfig = WriterConfig(temperature=0.0, max_tokens=3000)
    profiles: list[str] = []
    to: Language = "en"

    @classmethod
    def verb_of(cls) -> str:
        return "profiles translate"


class PairsConfig(GenerationConfig):
    """Settings of `cocoon steer pairs`. `each` is the number of pairs of one situation.

    For the other three, see `cocoon.steering.pairs.pairs.PairRules`.
    """

    verb: Literal["steer pairs"] = "steer pairs"
    writer: WriterConfig = WriterConfig(temperature=0.8, max_tokens=900)
    situations: list[str] = []
    each: int = Field(default=6, ge=1, le=20)
    length_gap: float = Field(default=0.4, ge=0, le=1)
    likeness: float = Field(default=40.0, ge=0, le=100)
    duplicate: float = Field(default=90.0, gt=0, le=100)

    @classmethod
    def verb_of(cls) -> str:
        return "steer pairs"
