"""Settings of a study that reproduces a table of the paper: corpora, trainings, dialogues, judging."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from cocoon.core.config import EMBEDDED, HERE, Engine, JudgeConfig, RunConfig, StudyConfig, SupporterConfig, UserConfig
from cocoon.core.errors import CocoonError
from cocoon.core.records import Language, Record
from cocoon.core.settings import flag
from cocoon.core.verb_settings import VerbSettings
from cocoon.training.config import DataConfig, FitConfig, LoraConfig, TrainConfig

TABLES = ("table3", "table4", "table5", "table7", "table9")
TableName = Literal["table3", "table4", "table5", "table7", "table9"]
STAGES = ("import", "train", "simulate", "report")
UNTRAINED = "untrained"
# What the columns of each table are made from. Those of table 5 are people's own ratings (`cocoon human`).
SCALES: dict[TableName, list[str]] = {
    "table3": ["success", "basic", "comfort", "rac"],
    "table4": ["basic", "comfort", "rac"],
    "table5": [],
    "table7": ["esc_rank"],
    "table9": ["basic"],
}


class CorpusRow(Record):
    """A row of the table: a corpus of `cocoon corpus list`, its file, and whether thoughts are trained.

    `own` marks our own script-based dialogues, which replace the corpus that the paper did not release. `subset`
    samples as many dialogues as the largest other row has. `adapter` is an existing adapter to use instead of training.
    """

    label: str = Field(min_length=1)
    corpus: str = "jsonl"
    file: str
    language: Language
    limit: int | None = Field(default=None, ge=1)
    thoughts: Literal["inline", "none"] = "none"
    own: bool = False
    subset: bool = False
    adapter: str | None = None

    @property
    def name(self) -> str:
        """The label as the name of a file and of a supporter."""
        file_name = "".join(character if character.isalnum() else "-" for character in self.label).strip("-")
        return "-".join(part for part in file_name.split("-") if part)


class ReproduceConfig(RunConfig):
    """Settings of `cocoon reproduce`. Profiles must exist in all languages of the rows, paired by `translation_of`.

    The first `limit` people are held out of every training. Only the first `talking` of them talk for now. This number
    may grow later, because those who are added were held out too. `rehearsal` marks a small run that only shows that
    everything works, and its report says so on its first line. With `untrained` the base speaks too, in every language,
    so that the effect of the language can be separated from the effect of the corpus.
    """

    free_keys: ClassVar[tuple[str, ...]] = (*RunConfig.free_keys, "rehearsal", "judge", "talking", "served")

    verb: Literal["reproduce"] = "reproduce"
    # Without a keyword, because `fit.patience` has that one.
    patience: float = Field(default=900.0, gt=0, description="Seconds to wait for an endpoint that answers nobody.")
    table: TableName = flag("table3", "The table of the paper.")
    rehearsal: bool = Field(default=False, description="Whether this only shows that everything works.")
    base: str = Field(default=EMBEDDED, description="The chat model that is trained.")
    engine: Engine = flag(HERE, "What trains the rows: this process, or ray (side by side). Talks stay here.")
    replicas: int | None = flag(None, "With --engine ray: trainings at once (default: one on each GPU).", ge=1)
    served: str | None = flag(
        None, "Where a server speaks for the rows, each under its name: http://HOST/v1.", metavar="URL"
    )
    rows: list[CorpusRow] = Field(default=[], min_length=0, description="The table's rows, a corpus each.")
    profiles: list[str] = Field(default=[], description="Profiles of the people held out.")
    talking: int | None = flag(None, "Only the first N of the people held out talk for now.", short="-n", ge=1)
    untrained: bool = Field(default=True, description="Whether the base speaks too.")
    rounds: int = Field(default=10, ge=0, description="Replies of a supporter after its opening.")
    samples: int = Field(default=1, ge=1, description="Dialogues per profile and supporter.")
    temperature: float = Field(default=0.7, ge=0, le=2, description="The supporters' temperature.")
    max_tokens: int = Field(default=400, ge=1, description="Most tokens of one reply.")
    form_pairs: int = Field(default=30, ge=0, description="Contents for the appraiser's form invariance.")
    user: UserConfig = UserConfig()
    judge: JudgeConfig = JudgeConfig()
    data: DataConfig = DataConfig()
    lora: LoraConfig = LoraConfig()
    fit: FitConfig = FitConfig()

    @classmethod
    def verb_of(cls) -> str:
        return "reproduce"

    @model_validator(mode="after")
    def _names_differ(self) -> "ReproduceConfig":
        names = [row.name for row in self.rows]
        duplicate = next((name for name in names if names.count(name) > 1 or name == UNTRAINED), None)
        if duplicate is not None:
            raise ValueError(f"two rows would be named {duplicate!r}; give each row a label of its own")
        return self

    def rows_in(self, language: Language) -> list[CorpusRow]:
        """Return the rows of one language."""
        return [row for row in self.rows if row.language == language]

    @property
    def languages(self) -> list[Language]:
        """The languages of the rows, in the order in which they first occur."""
        return list(dict.fromkeys(row.language for row in self.rows))


REPRODUCE = VerbSettings("reproduce", ReproduceConfig, without=("batch", "batch_every", "shard", "lease"))


def with_scales_of_table(config: ReproduceConfig) -> ReproduceConfig:
    """Return the settings with the scales of the table, and without a judge where people rate.

    Raises CocoonError if a judge is needed and none is named.
    """
    scales = SCALES[config.table]
    if scales and config.judge.model is None:
        raise CocoonError(f"{config.table} is made of a judge's ratings: give --judge SPEC or judge.model in the YAML")
    model = config.judge.model if scales else None
    return config.model_copy(update={"judge": config.judge.model_copy(update={"scales": scales, "model": model})})


def training_of(
    config: ReproduceConfig, row: CorpusRow, dialogues: Path, others: list[Path], held: Path
) -> TrainConfig:
    """Return the training of one row on its imported dialogues."""
    data = config.data.model_copy(
        update={
            "thoughts": row.thoughts,
            "held_out": [*config.data.held_out, str(held)],
            "no_larger_than": [str(path) for path in others] if row.subset else [],
        }
    )
    return TrainConfig(
        base=config.base,
        dialogues=[str(dialogues)],
        name=row.label,
        seed=config.seed,
        data=data,
        lora=config.lora,
        fit=config.fit,
    )


def study_of(config: ReproduceConfig, language: Language, adapters: dict[str, Path], profiles: Path) -> StudyConfig:
    """Return the run of all rows of one language over its profiles. `adapters` is not looked at for served rows."""
    models = {row.name: f"{config.base}+adapter={adapters.get(row.name)}" for row in config.rows_in(language)}
    models |= {UNTRAINED: config.base} if config.untrained else {}
    if config.served is not None:
        models = {name: f"{config.served}#{name}" for name in models}
    supporters = [
        SupporterConfig(
            name=name,
            model=model,
            prompt=config.data.prompt,
            temperature=config.temperature,
            max_tokens=config.max_tokens,
        )
        for name, model in models.items()
    ]
    return StudyConfig(
        profiles=[str(profiles)],
        language=language,
        supporters=supporters,
        **{
            name: getattr(config, name)
            for name in (
                *("rounds", "samples", "user", "judge", "form_pairs"),
                *("concurrency", "timeout", "patience", "budget", "prices", "seed", "prompts"),
            )
        },
    )
