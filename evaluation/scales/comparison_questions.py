"""Questions for pairwise comparison, the same for people and for judges. The data is in `prompts/comparisons`."""

from importlib import resources

from pydantic import ConfigDict, Field, model_validator

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_yaml_record
from cocoon.core.records import BothLanguages, Record


class ComparisonQuestion(BothLanguages):
    """One question: which of two conversations is better in one respect."""

    id: str = Field(pattern=r"^[a-z][a-z_]*$")


class ComparisonQuestions(Record):
    """A set of questions with the instruction that comes before them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: BothLanguages
    source: str = ""
    instruction: BothLanguages
    questions: list[ComparisonQuestion] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_differ(self) -> "ComparisonQuestions":
        ids = [question.id for question in self.questions]
        if len(set(ids)) < len(ids):
            raise ValueError(f"two questions have the same id (the ids are {', '.join(ids)})")
        return self


USER_SIMULATION = "user_simulation"


def load_questions(name: str = USER_SIMULATION) -> ComparisonQuestions:
    """Load a shipped set of questions. Raises CocoonError for an unknown name or a broken file."""
    file = resources.files("cocoon.prompts").joinpath("comparisons", f"{name}.yaml")
    if not file.is_file():
        raise CocoonError(f"There are no comparison questions {name!r}. Use {USER_SIMULATION!r}")
    return read_yaml_record(file, ComparisonQuestions)
