"""What `cocoon profiles translate` makes: profiles in the other language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from cocoon.core.errors import CocoonError
from cocoon.core.prompts import prompt_shas
from cocoon.core.records import Dropped, Profile, Record
from cocoon.graphs.translation import PROMPT, TranslationContext, build_translation
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller
from cocoon.running.building.config import TranslationConfig
from cocoon.running.building.generation import Item
from cocoon.running.building.profiles import askers
from cocoon.running.work import Stage


@dataclass
class TranslationGenerator:
    """Translates profiles that are not in the language wanted."""

    config: TranslationConfig
    models: Models
    profiles: Sequence[Profile]
    stage: Stage = "profile"
    kept: str = "profiles.jsonl"
    kind: type[Record] = Profile
    late: frozenset[str] = frozenset()
    recursion_limit: int = 10

    def __post_init__(self) -> None:
        same = next((profile for profile in self.profiles if profile.language == self.config.to), None)
        if same is not None:
            raise CocoonError(f"profile {same.id!r} is in language {same.language!r} already; leave it out")

    def items(self) -> list[Item]:
        """One item a profile, named after it and the language."""
        return [
            Item(name, {"item": name, "original": profile.model_dump(mode="json")})
            for profile in self.profiles
            for name in [f"{profile.id}.{self.config.to}"]
        ]

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Return the translation graph."""
        return build_translation()

    def context(self, caller: Caller) -> TranslationContext:
        """Return the writer as translator."""
        return TranslationContext(caller, askers(self.config, self.models)[0], self.config.to)

    def made(self, item: Item, state: Mapping[str, Any]) -> Record:
        """Return the translated profile, or why there is none."""
        if drop := state.get("drop"):
            content = {key: value for key, value in state.items() if key != "drop"}
            return Dropped(id=item.id, stage="profile", content=content, **drop)
        return Profile.model_validate(state["profile"])

    def sieve(self, records: Sequence[Any], folder: Path) -> dict[str, tuple[str, str]]:
        """Return nothing to drop, because every translation is decided on by itself."""
        del records, folder
        return {}

    def notes(self, records: Sequence[Any]) -> list[str]:
        """That nobody has read them yet."""
        return [f"{len(records)} translations are marked reviewed: false until somebody has read them"]

    def shas(self) -> dict[str, str]:
        """Return the hashes of the prompts."""
        return prompt_shas([PROMPT, "judge/repair"], Path(self.config.prompts) if self.config.prompts else None)

    def roles(self) -> dict[str, list[str]]:
        """Return the translator."""
        return {"translator": [self.config.writer.model]}
