"""Settings of training: what is trained on which dialogues, and every choice that the paper leaves open, by name."""

from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from cocoon.core.config import EMBEDDED, read_presets
from cocoon.core.errors import CocoonError
from cocoon.core.records import Record

FOLDER = Path(str(resources.files("cocoon.training")))
# The paper states these two for its LoRA (appendix F.1): rank and alpha.
DEFAULT_RANK, DEFAULT_ALPHA = 32, 16


class DataConfig(Record):
    """How the dialogues are prepared for training.

    `thoughts`: analysis and strategy before each reply (`inline`), or left out (`none`). `prompt`: the supporter's
    system prompt (`prompts/supporter/`), ideally the one with which it will be used. `max_length`: tokens of a
    dialogue, where longer ones are cut after a supporter turn. `validation`: share of the dialogues, split by profile.
    `sample`: the highest number of dialogues, chosen at random by the seed. `no_larger_than`: files of other corpora,
    of which the largest gives that number (the paper's rule for SoulChat). `held_out`: files of profiles kept for
    evaluation. `near_duplicate`: likeness of two dialogues (shared runs of five characters, 0 to 1) from which the
    later one is dropped, or None to keep near duplicates.
    """

    thoughts: Literal["inline", "none"] = "inline"
    prompt: str = "brief"
    prompts: str | None = None
    max_length: int = Field(default=2048, ge=32)
    validation: float = Field(default=0.05, ge=0, lt=1)
    sample: int | None = Field(default=None, ge=1)
    no_larger_than: list[str] = []
    held_out: list[str] = []
    near_duplicate: float | None = Field(default=0.8, gt=0, le=1)


class LoraConfig(Record):
    """The adapter. `targets`: layers by name, or `all-linear` (all but the output head). `quantise`: QLoRA."""

    rank: int = Field(default=DEFAULT_RANK, ge=1)
    alpha: int = Field(default=DEFAULT_ALPHA, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: str | list[str] = "all-linear"
    quantise: Literal["none", "4bit"] = "none"


class FitConfig(Record):
    """Settings of the optimiser. `batch` dialogues (or packs) at a time on each device, `accumulate` times per step.

    `steps`: stop after this number, or None for complete `epochs`. `evaluate_every`: steps between validations (each
    saves a checkpoint), or None for once per epoch. `patience`: stop when this number of validations in a row gave no
    better loss. `packing`: several dialogues in one row, none of which sees another, with `auto` where that holds.
    `dtype` of the base: `auto` is bfloat16 where the processor computes in it, else float32. `checkpointing` computes
    activations twice to save memory. `warmup`: share of the steps.
    """

    learning_rate: float = Field(default=2e-4, gt=0)
    epochs: float = Field(default=3.0, gt=0)
    steps: int | None = Field(default=None, ge=1)
    batch: int = Field(default=1, ge=1)
    accumulate: int = Field(default=8, ge=1)
    scheduler: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(default=0.03, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    clip: float = Field(default=1.0, gt=0)
    evaluate_every: int | None = Field(default=None, ge=1)
    evaluation_batch: int = Field(default=4, ge=1)
    patience: int | None = Field(default=None, ge=1)
    packing: Literal["auto", "none"] = "auto"
    checkpointing: bool = True
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"


class TrainConfig(Record):
    """Settings of `cocoon train`: LoRA fine-tuning of a local chat model on dialogues.

    `base` is `local:NAME-OR-PATH`.
    """

    free_keys: ClassVar[tuple[str, ...]] = ()

    verb: Literal["train"] = "train"
    base: str = EMBEDDED
    dialogues: list[str] = []
    name: str = ""
    seed: int = 42
    data: DataConfig = DataConfig()
    lora: LoraConfig = LoraConfig()
    fit: FitConfig = FitConfig()

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


def training_presets() -> dict[str, dict[str, Any]]:
    """Return the shipped presets by name: the rows of the paper's Table 3."""
    return read_presets(FOLDER / "presets")


def launch_file(kind: str) -> Path:
    """Return the configuration for `accelerate launch` of that kind. Raises CocoonError for an unknown kind."""
    known = sorted(file.stem for file in (FOLDER / "launch").glob("*.yaml"))
    if kind not in known:
        raise CocoonError(f"launch file {kind!r} is not known; there are {', '.join(known)}")
    return FOLDER / "launch" / f"{kind}.yaml"
