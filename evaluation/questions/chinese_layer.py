"""A small learned layer for Chinese sentences without a question mark or a full stop.

Without a mark, rules cannot weigh what speaks for and against a question word that is embedded, so a logistic
regression over the rules' answer and runs of 1 to 4 characters does. Its weights come from
`python -m cocoon.benchmarks.evaluation.question_layer`, which says from which sentences.
"""

from functools import cache
from importlib.resources import files

from pydantic import ConfigDict

from cocoon.core.records import Record
from cocoon.evaluation.questions.records import QuestionType

WEIGHTS = "chinese_weights.json"
LONGEST_RUN = 4


class LayerWeights(Record):
    """Weights in log odds: of the type that the rules found, and of each run of characters in the sentence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bias: float
    threshold: float
    rules: dict[QuestionType, float]
    runs: dict[str, float]


@cache
def shipped_weights() -> LayerWeights:
    """Return the weights that are shipped."""
    path = files("cocoon.evaluation.questions") / WEIGHTS
    return LayerWeights.model_validate_json(path.read_text("utf-8"))


def runs_of(sentence: str) -> set[str]:
    """Return the runs of 1 to 4 characters in a sentence, its start and end marked by `^` and `$`."""
    text = f"^{sentence}$"
    return {
        text[start : start + length] for length in range(1, LONGEST_RUN + 1) for start in range(len(text) - length + 1)
    }


def is_question(sentence: str, found: QuestionType, weights: LayerWeights | None = None) -> bool:
    """Return whether a sentence without its final marks asks, where `found` is the type by rule."""
    known = weights or shipped_weights()
    score = known.bias + known.rules.get(found, 0.0)
    score += sum(known.runs[run] for run in runs_of(sentence) if run in known.runs)
    return score > known.threshold
