"""One study that makes a table of the paper again: corpora, trainings, talks, judging."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from cocoon.core.config import EMBEDDED, JudgeConfig, RunConfig, StudyConfig, SupporterConfig, UserConfig
from cocoon.core.records import Language, Record
from cocoon.core.train_config import DataConfig, FitConfig, LoraConfig, TrainConfig

TABLES = ("table3", "table4", "table5", "table7", "table9")
TableName = Literal["table3", "table4", "table5", "table7", "table9"]
STAGES = ("import", "train", "simulate", "report")
UNTRAINED = "untrained"


class CorpusRow(Record):
    """A row of the table: a corpus of `cocoon corpus list`, its file, and whether thoughts are trained.

    `own` marks script-based dialogues of ours that stand for the corpus that the paper did not release. `subset`: draw
    as many dialogues as the largest other row has. `adapter`: one that is there, instead of training.
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
        """The label as a file and a supporter may be named."""
        plain = "".join(one if one.isalnum() else "-" for one in self.label).strip("-")
        return "-".join(part for part in plain.split("-") if part)


class ReproduceConfig(RunConfig):
    """`cocoon reproduce`. Profiles must stand in every language of the rows: they are paired by `translation_of`.

    `limit`: the first so many people are held out of every training. `talking`: only the first so many of them talk
    for now; it may grow later, since those who come to it were held out too. `rehearsal`: a small run to see that all
    of it works, which says so on its first line. `untrained`: the base speaks too, in every language, so that what the
    language does can be told from what the corpus does.
    """

    free_keys: ClassVar[tuple[str, ...]] = (*RunConfig.free_keys, "rehearsal", "judge", "talking")

    verb: Literal["reproduce"] = "reproduce"
    table: TableName = "table3"
    rehearsal: bool = False
    base: str = EMBEDDED
    rows: list[CorpusRow] = Field(default=[], min_length=0)
    profiles: list[str] = []
    talking: int | None = Field(default=None, ge=1)
    untrained: bool = True
    rounds: int = Field(default=10, ge=0)
    samples: int = Field(default=1, ge=1)
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_tokens: int = Field(default=400, ge=1)
    form_pairs: int = Field(default=30, ge=0)
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
        twice = next((name for name in names if names.count(name) > 1 or name == UNTRAINED), None)
        if twice is not None:
            raise ValueError(f"two rows would be named {twice!r}; give each row a label of its own")
        return self

    @property
    def languages(self) -> list[Language]:
        """The languages of the rows, in the order in which they come."""
        return list(dict.fromkeys(row.language for row in self.rows))


def training_of(
    config: ReproduceConfig, row: CorpusRow, dialogues: Path, others: list[Path], held: Path
) -> TrainConfig:
    """The training of one row on its imported dialogues."""
    data = config.data.model_copy(
        update={
            "thoughts": row.thoughts,
            "held_out": [*config.data.held_out, str(held)],
            "no_larger_than": [str(one) for one in others] if row.subset else [],
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
    """The run of all rows of one language over its profiles."""
    supporters = [
        SupporterConfig(
            name=row.name,
            model=f"{config.base}+adapter={adapters[row.name]}",
            prompt=config.data.prompt,
            temperature=config.temperature,
            max_tokens=config.max_tokens,
        )
        for row in config.rows
        if row.language == language
    ]
    if config.untrained:
        plain = {"model": config.base, "prompt": config.data.prompt}
        supporters.append(
            SupporterConfig(name=UNTRAINED, **plain, temperature=config.temperature, max_tokens=config.max_tokens)
        )
    return StudyConfig(
        profiles=[str(profiles)],
        language=language,
        supporters=supporters,
        **{
            name: getattr(config, name)
            for name in (
                *("rounds", "samples", "user", "judge", "form_pairs"),
                *("concurrency", "timeout", "budget", "prices", "seed", "prompts"),
            )
        },
    )
