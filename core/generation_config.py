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
    """The model that rates and checks; none: the writer's. `floor` as for judges."""

    model: str | None = None
    temperature: float = Field(default=0.0, ge=0, le=2)
    max_tokens: int = Field(default=500, ge=1)
    floor: float = Field(default=0.0, ge=0, le=1)


class GenerationConfig(RunConfig):
    """What both kinds of building have in common."""

    free_keys: ClassVar[tuple[str, ...]] = (*RunConfig.free_keys, "limit")

    writer: WriterConfig = WriterConfig()
    rater: RaterConfig = RaterConfig()

    @property
    def rater_model(self) -> str:
        """The rater's spec."""
        return self.rater.model or self.writer.model


class ProfileBuildConfig(GenerationConfig):
    """`cocoon profiles build`. `limit` is how many profiles are tried, over all languages.

    `longest_chain` counts nodes, the initial need included. `keep_shallow`: whether a chain that is still on the
    surface (difficulty 1 or 2) at its greatest length is kept; the paper does not tell. `near_duplicate`: likeness of
    feeling and need, 0 to 100, from which of two profiles the later one is dropped.
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
    """`cocoon script`. `minimum_rounds`: user turns before the need may appear; `minimum_turns`: of a whole dialogue.

    `exchanges` are written at a time, in at most `pieces` pieces (repairs included); `suggestions`: exchanges of the
    suggestion stage. `rewrite`: which questions of the listening stage become statements. `threshold`: dialogues are
    dropped by the mean of the three AELS subscales (1 to 7), below `aels_mean`, or the lowest `aels_share` of all.
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
    """`cocoon profiles translate`; the writer translates. `to`: the language wanted."""

    verb: Literal["profiles translate"] = "profiles translate"
    writer: WriterConfig = WriterConfig(temperature=0.0, max_tokens=3000)
    profiles: list[str] = []
    to: Language = "en"

    @classmethod
    def verb_of(cls) -> str:
        return "profiles translate"


class PairsConfig(GenerationConfig):
    """`cocoon steer pairs`. `each`: pairs of one situation. The other three: see `cocoon.steering.pairs.PairRules`."""

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
