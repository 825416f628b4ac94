"""What `cocoon profiles build` makes: scenarios crossed with emotions, and which of two like profiles is kept."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from cocoon.agents.judges.sense import SENSE_PROMPT, SenseJudge
from cocoon.agents.writers.asking import Asker
from cocoon.agents.writers.profile_checks import text_likeness
from cocoon.agents.writers.profiles import ProfileWriter
from cocoon.agents.writers.taxonomy import Taxonomy, load_taxonomy
from cocoon.core.prompts import prompt_shas
from cocoon.core.records import Language, Profile
from cocoon.evaluation.sense import SENSELESS, sense_notes, sense_problem
from cocoon.graphs.profile import ProfileContext, build_profile
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller, Settings
from cocoon.running.building.config import GenerationConfig, ProfileBuildConfig
from cocoon.running.building.generation import Generator, Item

NEAR_DUPLICATE = "near_duplicate"
PROMPTS = [f"profile/{name}" for name in ("propose", "deepen", "rate", "feel", "recall")]
# Seeds shown at a time: not always the same ones, so that proposals differ.
_SHOWN = 4


def askers(config: GenerationConfig, models: Models) -> tuple[Asker, Asker]:
    """Return the writer and the rater of a configuration."""
    folder = config.prompt_folder
    writer, rater = config.writer, config.rater
    return (
        Asker(models.open(writer.model), Settings.of(writer), folder),
        Asker(models.open(config.rater_model), Settings.of(rater), folder, rater.floor),
    )


@dataclass
class ProfileGenerator(Generator):
    """Builds profiles from a configuration."""

    config: ProfileBuildConfig
    models: Models
    late = SENSELESS | {NEAR_DUPLICATE}
    taxonomy: Taxonomy = field(init=False)

    def __post_init__(self) -> None:
        self.taxonomy = load_taxonomy(Path(self.config.taxonomy) if self.config.taxonomy else None)

    def items(self) -> list[Item]:
        """Return the first `limit` items: languages in turn, each scenario with each emotion before any comes again."""
        decks = [self._deck(language) for language in self.config.languages]
        turns = itertools.chain.from_iterable(zip(*decks, strict=True))
        return list(itertools.islice(turns, self.config.limit or 1))

    def _deck(self, language: Language) -> Iterator[Item]:
        rng = random.Random(f"{self.config.seed} {language}")
        for again in itertools.count():
            pairs = list(itertools.product(self.taxonomy.scenarios, self.taxonomy.emotions))
            rng.shuffle(pairs)
            for scenario, emotion in pairs:
                seeds = list(scenario.seeds.of(language))
                rng.shuffle(seeds)
                name = f"{language}-{scenario.id}-{emotion.id}-{again + 1}"
                inputs = {
                    "item": name,
                    "language": language,
                    "scenario": scenario.name.of(language),
                    "emotion": emotion.of(language),
                    "seeds": seeds[:_SHOWN],
                }
                yield Item(name, inputs)

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Return the profile graph."""
        return build_profile()

    def context(self, caller: Caller) -> ProfileContext:
        """Writer, rater and rules."""
        config = self.config
        writer, rater = askers(config, self.models)
        agent, sense = ProfileWriter(writer, rater), SenseJudge(rater) if config.sense else None
        return ProfileContext(caller, agent, config.longest_chain, config.keep_shallow, config.memories, sense)

    def sieve(self, records: Sequence[Profile], folder: Path) -> dict[str, tuple[str, str]]:
        """Profiles that make too little sense go, and of two like profiles of one language the later one."""
        del folder
        distinct: list[Profile] = []
        out: dict[str, tuple[str, str]] = {}
        for profile in records:
            twin = next((earlier for earlier in distinct if self._alike(earlier, profile)), None)
            if problem := self._sense_problem(profile):
                out[profile.id] = problem
            elif twin is None:
                distinct.append(profile)
            else:
                out[profile.id] = (NEAR_DUPLICATE, f"feeling and need are nearly those of {twin.id!r}")
        return out

    def _sense_problem(self, profile: Profile) -> tuple[str, str] | None:
        config = self.config
        return sense_problem(profile, config.least_plausible, config.least_relevance) if config.sense else None

    def _alike(self, first: Profile, second: Profile) -> bool:
        return first.language == second.language and near(first, second) >= self.config.near_duplicate

    def notes(self, records: Sequence[Profile]) -> list[str]:
        """Return the figures of the reading for sense."""
        return sense_notes(records, self.config.rater_model) if self.config.sense and records else []

    def shas(self) -> dict[str, str]:
        """Return the hashes of the prompts and of the taxonomy."""
        folder = self.config.prompt_folder
        prompts = [*PROMPTS, *([SENSE_PROMPT] if self.config.sense else []), "judge/repair"]
        return {**prompt_shas(prompts, folder), "profile/taxonomy": self.taxonomy.sha}

    def roles(self) -> dict[str, list[str]]:
        """Writer and rater."""
        return {"writer": [self.config.writer.model], "rater": [self.config.rater_model]}


def near(first: Profile, second: Profile) -> float:
    """Return how alike two people are, 0 to 100: the mean likeness of their feelings and of their needs."""
    return (text_likeness(first.feeling, second.feeling) + text_likeness(first.need or "", second.need or "")) / 2
