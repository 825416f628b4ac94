"""Compare the dialogues of conditions in pairs. The two of a pair have the same profile, supporter and sample."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph.graph.state import CompiledStateGraph
from pydantic import Field

from cocoon.agents.judges.judges import JudgeSettings
from cocoon.agents.judges.pair import PairJudge
from cocoon.agents.users.conditions import Condition, pairs_of, read_conditions
from cocoon.core.errors import CocoonError
from cocoon.core.prompts import prompt_shas
from cocoon.core.records import Dialogue, Record
from cocoon.evaluation.scales.comparison_questions import load_questions
from cocoon.evaluation.statistics.preference import TIE, Choice
from cocoon.graphs.preference import PreferenceContext, build_preference
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller, Settings
from cocoon.running.building.generation import Generated, Generator, Item, generate
from cocoon.running.folder import read_run
from cocoon.running.frame import Watch
from cocoon.studies.ablation.config import CONDITIONS, AblationConfig, refuse_copies


class Compared(Record):
    """One pair of dialogues with every answer about it.

    `missing` says why an answer is None, by `question/order/vote`.
    """

    id: str
    profile: str
    supporter: str
    conditions: tuple[str, str]
    dialogues: tuple[str, str]
    choices: list[Choice] = Field(default_factory=list)
    missing: dict[str, str] = Field(default_factory=dict)
    calls: list[str] = Field(default_factory=list)


async def compare_conditions(
    config: AblationConfig, models: Models, out: Path, watch: Watch | None = None
) -> Generated:
    """Let the judge compare the dialogues of all existing conditions. Calling this again resumes."""
    comparer = Comparer(config, models, out)
    return await generate(comparer, comparer.items(), config, models, out, watch)


@dataclass
class Comparer(Generator):
    """Compares pairs of dialogues, each pair in both orders."""

    config: AblationConfig
    models: Models
    out: Path
    stage = "comparison"
    kept = "comparisons.jsonl"
    kind = Compared

    def items(self) -> list[Item]:
        """Return one item for each pair of conditions, profile, supporter and sample that both conditions have."""
        conditions = read_conditions(self.config.conditions)
        talks = {condition.name: self._talks(condition.name) for condition in conditions}
        items = list(self._pairs(conditions, talks))
        if not items:
            raise CocoonError(f"{self.out / CONDITIONS}: no dialogue of two conditions to compare; simulate them first")
        return items

    def _talks(self, condition: str) -> dict[tuple[str, str, int], dict[str, Any]]:
        dialogues = read_run(self.out / CONDITIONS / condition, "dialogues.jsonl", Dialogue)
        return {
            (dialogue.profile.id, dialogue.supporter, dialogue.sample): dialogue.model_dump(mode="json")
            for dialogue in dialogues
        }

    def _pairs(self, conditions: Sequence[Condition], talks: Mapping[str, Mapping[Any, Any]]) -> Iterator[Item]:
        for first, second in pairs_of(conditions, self.config.every_pair):
            for key in talks[first]:
                if key in talks[second]:
                    profile, supporter, sample = key
                    name = f"{profile}.{supporter}.{sample}:{first}:{second}"
                    dialogue_pair = [talks[first][key], talks[second][key]]
                    yield Item(name, {"pair": name, "dialogues": dialogue_pair, "conditions": [first, second]})

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Return the preference graph."""
        return build_preference()

    def context(self, caller: Caller) -> PreferenceContext:
        """Return the context of the pairwise judge."""
        judge = self.config.judge
        if judge.model is None:
            raise CocoonError("no judge: give --judge SPEC")
        refuse_copies(judge)
        settings = Settings.of(judge)
        shared = JudgeSettings(self.models.open(judge.model), settings, judge.floor, self._prompts())
        return PreferenceContext(caller, PairJudge(shared, load_questions()), judge.votes)

    def made(self, item: Item, state: Mapping[str, Any]) -> Record:
        """Return the answers about a pair, with the reasons of those that failed in `missing`."""
        first, second = (Dialogue.model_validate(dialogue_data) for dialogue_data in item.given["dialogues"])
        conditions = item.given["conditions"]
        answers = sorted(state.get("answers", []), key=lambda answer: answer["task"])
        missing = {answer["task"]: answer["missing"] for answer in answers if answer["missing"]}
        missing |= {
            failure["node"]: f"{failure['reason']}: {failure['message']}" for failure in state.get("failures", [])
        }
        return Compared(
            id=item.id,
            profile=first.profile.id,
            supporter=first.supporter,
            conditions=(conditions[0], conditions[1]),
            dialogues=(first.id, second.id),
            choices=[self._choice(answer, conditions, first) for answer in answers],
            missing=missing,
            calls=[key for answer in answers for key in answer["calls"]],
        )

    def _choice(self, answer: Mapping[str, Any], conditions: Sequence[str], dialogue: Dialogue) -> Choice:
        shown_order = list(conditions) if answer["order"] == 0 else list(conditions)[::-1]
        winner_of = {"first": shown_order[0], "second": shown_order[1], TIE: TIE, None: None}
        return Choice(
            unit=dialogue.profile.id,
            question=answer["question"],
            rater=str(self.config.judge.model),
            first=shown_order[0],
            second=shown_order[1],
            winner=winner_of[answer["better"]],
            vote=answer["vote"],
        )

    def notes(self, records: Sequence[Compared]) -> list[str]:
        """Return how many answers are missing."""
        answers = sum(len(comparison.choices) for comparison in records)
        return [f"{answers} answers, {sum(len(comparison.missing) for comparison in records)} missing"]

    def _prompts(self) -> Path | None:
        return Path(self.config.prompts) if self.config.prompts else None

    def shas(self) -> dict[str, str]:
        """Return the hashes of the prompts."""
        return prompt_shas(["judge/pairwise", "judge/repair"], self._prompts())

    def roles(self) -> dict[str, list[str]]:
        """Return the judge's model."""
        return {"judge": [self.config.judge.model] if self.config.judge.model else []}


def choices_of(out: Path) -> list[Choice]:
    """Return every answer in an ablation's folder."""
    return [choice for comparison in read_run(out, "comparisons.jsonl", Compared) for choice in comparison.choices]
