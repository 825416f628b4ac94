"""Settings of training: what is trained on which dialogues, and every choice that the paper leaves open, by name."""

from importlib import resources
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from cocoon.core.config import EMBEDDED, read_presets
from cocoon.core.errors import CocoonError
from cocoon.core.records import Record
from cocoon.core.settings import flag
from cocoon.core.verb_settings import VerbSettings

FOLDER = Path(str(resources.files("cocoon.training")))
# The paper states these two for its LoRA (appendix F.1): rank and alpha.
DEFAULT_RANK, DEFAULT_ALPHA = 32, 16


TrainedRole = Literal["supporter", "user", "both"]


class DataConfig(Record):
    """How the dialogues are prepared for training."""

    role: TrainedRole = flag("supporter", "Whose replies are trained; the user's under the prompt of the guarded user.")
    thoughts: Literal["inline", "none"] = flag("inline", "inline: analysis and strategy before each reply; none.")
    prompt: str = flag("brief", "The system prompt it will speak under: brief, listen, plain, your own.")
    prompts: str | None = Field(default=None, description="A folder of your own prompts.")
    max_length: int = flag(2048, "Tokens of a dialogue; the rest is cut after a reply.", ge=32)
    validation: float = Field(default=0.05, ge=0, lt=1, description="Share of the dialogues, split by profile.")
    sample: int | None = Field(default=None, ge=1, description="Most dialogues, chosen at random by the seed.")
    # The paper's rule for SoulChat.
    no_larger_than: list[str] = flag([], "Draw as many dialogues as the largest of these has.", metavar="FILE")
    held_out: list[str] = flag([], "Profiles to evaluate on; their dialogues are left out.", metavar="PROFILES")
    near_duplicate: float | None = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Likeness of two dialogues (shared runs of five characters) from which the later one is dropped.",
    )


class LoraConfig(Record):
    """The adapter."""

    rank: int = Field(default=DEFAULT_RANK, ge=1, description="Rank of the adapter.")
    alpha: int = Field(default=DEFAULT_ALPHA, ge=1, description="Its scale.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout of the adapter.")
    targets: str | list[str] = Field(
        default="all-linear", description="Layers by name, or all-linear (all but the output head)."
    )
    quantise: Literal["none", "4bit"] = Field(default="none", description="4bit: QLoRA.")


class FitConfig(Record):
    """Settings of the optimiser."""

    learning_rate: float = Field(default=2e-4, gt=0, description="Highest learning rate.")
    epochs: float = flag(3.0, "Passes over the dialogues.", gt=0)
    steps: int | None = flag(None, "Stop after so many optimiser steps.", keyword="max_steps", ge=1)
    batch: int = Field(default=1, ge=1, description="Dialogues (or packs) at a time on each device.")
    accumulate: int = Field(default=8, ge=1, description="Batches per step.")
    scheduler: Literal["cosine", "linear", "constant"] = Field(default="cosine", description="Learning rate's course.")
    warmup: float = Field(default=0.03, ge=0, lt=1, description="Share of the steps.")
    weight_decay: float = Field(default=0.0, ge=0, description="Weight decay.")
    clip: float = Field(default=1.0, gt=0, description="Largest norm of a gradient.")
    evaluate_every: int | None = flag(None, "Steps between validations; otherwise once an epoch.", ge=1)
    evaluation_batch: int = Field(default=4, ge=1, description="Dialogues at a time in a validation.")
    patience: int | None = flag(None, "Stop after so many validations without a better loss.", ge=1)
    packing: Literal["auto", "none"] = Field(
        default="auto", description="Several dialogues in one row, none of which sees another."
    )
    checkpointing: bool = Field(default=True, description="Compute activations twice to save memory.")
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        default="auto", description="Of the base; auto is bfloat16 where the processor computes in it."
    )


class TrainConfig(Record):
    """Settings of `cocoon train`: LoRA fine-tuning of a local chat model on dialogues."""

    free_keys: ClassVar[tuple[str, ...]] = ()

    verb: Literal["train"] = "train"
    base: str = flag(EMBEDDED, "local:NAME-OR-PATH, a chat model.", metavar="SPEC")
    dialogues: list[str] = flag([], "A dialogues.jsonl (see `cocoon corpus import`). Repeatable.", metavar="FILE")
    name: str = Field(default="", description="The adapter's name.")
    seed: int = flag(42, "Seed of the split, the draw, the order and the adapter.")
    data: DataConfig = Field(default=DataConfig(), description="How the dialogues are prepared.")
    lora: LoraConfig = Field(default=LoraConfig(), description="The adapter.")
    fit: FitConfig = Field(default=FitConfig(), description="The optimiser.")

    @classmethod
    def verb_of(cls) -> str:
        """Return the command whose runs have this configuration."""
        return "train"

    @model_validator(mode="after")
    def _base_is_local(self) -> "TrainConfig":
        kind, _, name = self.base.partition(":")
        if kind != "local" or not name or "+" in name:
            raise ValueError("base must be local:NAME-OR-PATH, without adapter or direction")
        return self

    @property
    def base_name(self) -> str:
        """Return the base without its `local:`."""
        return self.base.removeprefix("local:")

    @property
    def prompts_folder(self) -> Path | None:
        """Return the folder of the user's own prompts, where it is set."""
        return Path(self.data.prompts) if self.data.prompts else None


TRAIN = VerbSettings("train", TrainConfig)


def training_presets() -> dict[str, dict[str, object]]:
    """Return the shipped presets by name: the rows of the paper's Table 3."""
    return read_presets(FOLDER / "presets")


def launch_file(kind: str) -> Path:
    """Return the configuration for `accelerate launch` of that kind. Raises CocoonError for an unknown kind."""
    known = sorted(file.stem for file in (FOLDER / "launch").glob("*.yaml"))
    if kind not in known:
        raise CocoonError(f"launch file {kind!r} is not known; there are {', '.join(known)}")
    return FOLDER / "launch" / f"{kind}.yaml"
