"""What all judges of a run share: the model, how it is asked, and the head of every rating."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from cocoon.core.prompts import Prompt, load_prompt, prompt_shas
from cocoon.core.records import AgentFacts, Dialogue, Language, Rating
from cocoon.models.by_name import Model
from cocoon.models.calls import Settings
from cocoon.models.client import JournaledClient
from cocoon.models.structured import Answer, Reader

REPAIR = "judge/repair"


@dataclass(frozen=True)
class JudgeSettings:
    """What all judges of a run share. `permute`: later votes ask a scale's items in another order."""

    model: Model
    settings: Settings = Settings(temperature=0.0, max_tokens=500)
    floor: float = 0.0
    folder: Path | None = None
    permute: bool = False
    languages: tuple[Language, ...] = get_args(Language)

    def prompts(self, names: Iterable[str]) -> list[Prompt]:
        """Return prompts in the languages of the run."""
        return [load_prompt(name, language, self.folder) for name in names for language in self.languages]

    def blank(self, name: str, prompt: Prompt, dialogue: Dialogue, vote: int) -> Rating:
        """Return a rating with its head filled in and nothing rated."""
        return Rating(
            dialogue=dialogue.id,
            profile=dialogue.profile.id,
            supporter=dialogue.supporter,
            sample=dialogue.sample,
            scale=name,
            judge=self.model.label,
            vote=vote,
            prompt_id=prompt.id,
            prompt_sha=prompt.sha,
        )

    def node(self, name: str, prompt: Prompt) -> str:
        """Return where calls are journalled: judging again with another judge or prompt asks anew."""
        return f"judge:{name}:{self.model.label}:{prompt.sha}"

    async def ask(
        self, client: JournaledClient, text: str, form: dict[str, Any], name: str, language: Language, check: Reader
    ) -> Answer:
        """Return the judge's JSON answer to a filled prompt."""
        return await client.json(
            text,
            model=self.model,
            settings=self.settings,
            schema=form,
            name=name,
            check=check,
            repair=load_prompt(REPAIR, language, self.folder),
        )

    def facts(self, name: str, prompts: Iterable[str]) -> AgentFacts:
        """Return what a judge of these settings says of itself."""
        return AgentFacts(
            name=name,
            models={"judge": self.model.label},
            prompts=prompt_shas([*prompts, REPAIR], self.folder, self.languages),
        )
