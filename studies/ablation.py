"""The user ablation (paper RQ5, F.3): the same talks with simulated users that know more or less, compared in pairs.

Every condition is a run folder of its own under `conditions/`; the comparisons stand beside them, in the order of the
profiles. Pairs are of one profile, supporter and draw.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from langgraph.graph.state import CompiledStateGraph
from pydantic import Field

from cocoon.agents.judges import JudgeSettings
from cocoon.agents.pair_judge import PairJudge
from cocoon.core.calls import Caller, Settings
from cocoon.core.config import JudgeConfig, RunConfig, StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.models import Models
from cocoon.core.prompts import prompt_shas
from cocoon.core.records import Dialogue, Profile, Record
from cocoon.core.run_folder import read_run
from cocoon.evaluation.comparison_questions import load_questions
from cocoon.evaluation.preference import TIE, Choice
from cocoon.graphs.conditions import Condition, pairs_of, read_conditions
from cocoon.graphs.frame import Watch
from cocoon.graphs.generation import Generated, Item, generate
from cocoon.graphs.preference import PreferenceContext, build_preference
from cocoon.graphs.session import Outcome, simulate
from cocoon.graphs.study import Study
from cocoon.graphs.work import Stage

CONDITIONS = "conditions"


class AblationConfig(RunConfig):
    """The comparison of conditions: who judges, which conditions, which pairs (neighbours, or every pair)."""

    free_keys: ClassVar[tuple[str, ...]] = (*RunConfig.free_keys, "limit")

    verb: Literal["ablate"] = "ablate"
    judge: JudgeConfig = JudgeConfig(scales=[])
    conditions: str = "full,no-memory,no-memory-need"
    every_pair: bool = False

    @classmethod
    def verb_of(cls) -> str:
        return "ablate"


class Compared(Record):
    """One pair of dialogues with every answer about it.

    `missing` tells why an answer is none, by `question/order/vote`.
    """

    id: str
    profile: str
    supporter: str
    conditions: tuple[str, str]
    dialogues: tuple[str, str]
    choices: list[Choice] = Field(default_factory=list)
    missing: dict[str, str] = Field(default_factory=dict)
    calls: list[str] = Field(default_factory=list)


async def make_conditions(
    study: Study, profiles: Sequence[Profile], conditions: Sequence[Condition], out: Path, watch: Watch | None = None
) -> list[Outcome]:
    """Simulate every condition into its own run folder; stops after one that was stopped."""
    outcomes: list[Outcome] = []
    for condition in conditions:
        own = Study(condition.settings(study.config), study.models)
        known = [condition.profile(profile) for profile in profiles]
        outcomes.append(await simulate(own, known, out / CONDITIONS / condition.name, watch))
        if outcomes[-1].stopped_by is not None:
            break
    return outcomes


async def compare_conditions(
    config: AblationConfig, models: Models, out: Path, watch: Watch | None = None
) -> Generated:
    """Have the judge compare the dialogues of all conditions that are there; the same call again goes on."""
    comparer = Comparer(config, models, out)
    return await generate(comparer, comparer.items(), config, models, out, watch)


@dataclass
class Comparer:
    """Pairs of dialogues in, answers out, both orders of every pair."""

    config: AblationConfig
    models: Models
    out: Path
    stage: Stage = "comparison"
    kept: str = "comparisons.jsonl"
    kind: type[Record] = Compared
    late: frozenset[str] = frozenset()
    recursion_limit: int = 10

    def items(self) -> list[Item]:
        """One item a pair of conditions, profile, supporter and draw that both have."""
        conditions = read_conditions(self.config.conditions)
        talks = {one.name: self._talks(one.name) for one in conditions}
        found = list(self._pairs(conditions, talks))
        if not found:
            raise CocoonError(f"{self.out / CONDITIONS}: no dialogue of two conditions to compare; simulate them first")
        return found

    def _talks(self, condition: str) -> dict[tuple[str, str, int], dict[str, Any]]:
        made = read_run(self.out / CONDITIONS / condition, "dialogues.jsonl", Dialogue)
        return {(one.profile.id, one.supporter, one.sample): one.model_dump(mode="json") for one in made}

    def _pairs(self, conditions: Sequence[Condition], talks: Mapping[str, Mapping[Any, Any]]) -> Iterator[Item]:
        for first, second in pairs_of(conditions, self.config.every_pair):
            for key in talks[first]:
                if key in talks[second]:
                    profile, supporter, sample = key
                    name = f"{profile}.{supporter}.{sample}:{first}:{second}"
                    both = [talks[first][key], talks[second][key]]
                    yield Item(name, {"pair": name, "dialogues": both, "conditions": [first, second]})

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """The preference graph."""
        return build_preference()

    def context(self, caller: Caller) -> PreferenceContext:
        """The pairwise judge."""
        given = self.config.judge
        if given.model is None:
            raise CocoonError("no judge: give --judge SPEC")
        refuse_copies(given)
        settings = Settings(given.temperature, given.max_tokens)
        shared = JudgeSettings(self.models.open(given.model), settings, given.floor, self._prompts())
        return PreferenceContext(caller, PairJudge(shared, load_questions()), given.votes)

    def made(self, item: Item, state: Mapping[str, Any]) -> Record:
        """The answers about a pair; those that failed are missing with their reason."""
        first, second = (Dialogue.model_validate(plain) for plain in item.given["dialogues"])
        conditions = item.given["conditions"]
        answers = sorted(state.get("answers", []), key=lambda one: one["task"])
        missing = {one["task"]: one["missing"] for one in answers if one["missing"]}
        missing |= {one["node"]: f"{one['reason']}: {one['message']}" for one in state.get("failures", [])}
        return Compared(
            id=item.id,
            profile=first.profile.id,
            supporter=first.supporter,
            conditions=(conditions[0], conditions[1]),
            dialogues=(first.id, second.id),
            choices=[self._choice(one, conditions, first) for one in answers],
            missing=missing,
            calls=[key for one in answers for key in one["calls"]],
        )

    def _choice(self, answer: Mapping[str, Any], conditions: Sequence[str], dialogue: Dialogue) -> Choice:
        shown = list(conditions) if answer["order"] == 0 else list(conditions)[::-1]
        named = {"first": shown[0], "second": shown[1], TIE: TIE, None: None}
        return Choice(
            unit=dialogue.profile.id,
            question=answer["question"],
            rater=str(self.config.judge.model),
            first=shown[0],
            second=shown[1],
            winner=named[answer["better"]],
            vote=answer["vote"],
        )

    def sieve(self, records: Sequence[Any], folder: Path) -> dict[str, tuple[str, str]]:
        """Every comparison is kept."""
        del records, folder
        return {}

    def notes(self, records: Sequence[Compared]) -> list[str]:
        """How many answers are missing."""
        answers = sum(len(one.choices) for one in records)
        return [f"{answers} answers, {sum(len(one.missing) for one in records)} missing"]

    def _prompts(self) -> Path | None:
        return Path(self.config.prompts) if self.config.prompts else None

    def shas(self) -> dict[str, str]:
        """Hashes of the prompts."""
        return prompt_shas(["judge/pairwise", "judge/repair"], self._prompts())

    def roles(self) -> dict[str, list[str]]:
        """The judge."""
        return {"judge": [self.config.judge.model] if self.config.judge.model else []}


def refuse_copies(judge: JudgeConfig) -> None:
    """Raise CocoonError for several votes at temperature 0: the same prompt would be answered the same."""
    if judge.votes > 1 and judge.temperature == 0:
        raise CocoonError(
            "votes at temperature 0 are copies of one; set -o judge.temperature=0.7 (or another above 0), or --votes 1"
        )


def choices_of(out: Path) -> list[Choice]:
    """Every answer of an ablation's folder."""
    return [choice for one in read_run(out, "comparisons.jsonl", Compared) for choice in one.choices]


def study_of(config: StudyConfig, models: Models) -> Study:
    """The talking half of an ablation: a study without a judge."""
    return Study(config.model_copy(update={"judge": config.judge.model_copy(update={"model": None})}), models)
