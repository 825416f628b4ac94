"""What `cocoon profiles translate` makes: profiles in the other language."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from cocoon.core.errors import CocoonError
from cocoon.core.prompts import prompt_shas
from cocoon.core.records import Profile
from cocoon.graphs.translation import PROMPT, TranslationContext, build_translation
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller
from cocoon.running.building.config import TranslationConfig
from cocoon.running.building.generation import Generator, Item
from cocoon.running.building.profiles import askers


@dataclass
class TranslationGenerator(Generator):
    """Translates profiles that are not in the language wanted."""

    config: TranslationConfig
    models: Models
    profiles: Sequence[Profile]

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

    def notes(self, records: Sequence[Any]) -> list[str]:
        """That nobody has read them yet."""
        return [f"{len(records)} translations are marked reviewed: false until somebody has read them"]

    def shas(self) -> dict[str, str]:
        """Return the hashes of the prompts."""
        return prompt_shas([PROMPT, "judge/repair"], self.config.prompt_folder)

    def roles(self) -> dict[str, list[str]]:
        """Return the translator."""
        return {"translator": [self.config.writer.model]}
