"""What all judges of a run share: the model, how it is asked, and the head of every rating."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from cocoon.core.calls import Caller, Settings
from cocoon.core.journal import Place
from cocoon.core.models import Model
from cocoon.core.prompts import Prompt, load_prompt
from cocoon.core.records import Dialogue, Language, Rating
from cocoon.core.structured import Answer, ask_json


@dataclass(frozen=True)
class JudgeSettings:
    """What all judges of a run share. `permute`: later votes ask a scale's items in another order."""

    model: Model
    settings: Settings = Settings(temperature=0.0, max_tokens=500)
    floor: float = 0.0
    folder: Path | None = None
    permute: bool = False

    def prompts(self, names: Iterable[str]) -> list[Prompt]:
        """Prompts in both languages."""
        return [load_prompt(name, language, self.folder) for name in names for language in get_args(Language)]

    def blank(self, name: str, prompt: Prompt, dialogue: Dialogue, vote: int) -> Rating:
        """A rating with its head filled in and nothing rated."""
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

    def place(self, name: str, prompt: Prompt, dialogue: Dialogue, vote: int) -> Place:
        """Judge and prompt are part of the place: judging again with another of them asks anew."""
        return Place(dialogue.id, f"judge:{name}:{self.model.label}:{prompt.sha}", 0, vote)

    async def ask(
        self, caller: Caller, place: Place, text: str, form: dict[str, Any], name: str, language: Language, check: Any
    ) -> Answer:
        """The judge's JSON answer to a filled prompt."""
        return await ask_json(
            caller,
            self.model,
            place,
            [{"role": "user", "content": text}],
            self.settings,
            schema=form,
            name=name,
            check=check,
            repair=load_prompt("judge/repair", language, self.folder),
            judging=True,
        )
