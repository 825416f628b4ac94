"""What all judges of a run share: the model, how it is asked, and the head of every rating."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from cocoon.agents.protocols import transcript
from cocoon.core.answers import AnswerT, Missing
from cocoon.core.prompts import Prompt, load_prompt, prompt_shas
from cocoon.core.records import AgentFacts, Dialogue, Language, Rating
from cocoon.models.by_name import Model
from cocoon.models.calls import Reply, Settings
from cocoon.models.client import JournaledClient

REPAIR = "judge/repair"


@dataclass(frozen=True)
class JudgeSettings:
    """What all judges of a run share.

    `permute`: later votes ask a scale's items in another order. `show_need`: the judge of a scale reads the need.
    """

    model: Model
    settings: Settings = Settings(temperature=0.0, max_tokens=500)
    floor: float = 0.0
    folder: Path | None = None
    permute: bool = False
    languages: tuple[Language, ...] = get_args(Language)
    show_need: bool = True

    def prompts(self, names: Iterable[str]) -> list[Prompt]:
        """Return prompts in the languages of the run."""
        return [load_prompt(name, language, self.folder) for name in names for language in self.languages]

    def blank(self, name: str, prompt: Prompt, dialogue: Dialogue, vote: int) -> Rating:
        """Return a rating with its head filled in and nothing rated."""
        return Rating(
            **dialogue.head,
            scale=name,
            judge=self.model.label,
            vote=vote,
            prompt_id=prompt.id,
            prompt_sha=prompt.sha,
        )

    def material(self, dialogue: Dialogue) -> dict[str, Any]:
        """Return what every judge's prompt may show of a dialogue: its turns, with and without numbers, and profile.

        Prompts begin with it in one form, so that a server's prefix cache serves all judges of a dialogue.
        """
        profile, language = dialogue.profile, dialogue.language
        return {
            "transcript": transcript(dialogue.turns, language),
            "numbered": transcript(dialogue.turns, language, numbered=True),
            "emotion": profile.emotion,
            "feeling": profile.feeling,
            "need": profile.need,
        }

    def node(self, name: str, prompt: Prompt) -> str:
        """Return where calls are journalled: judging again with another judge or prompt asks anew."""
        return f"judge:{name}:{self.model.label}:{prompt.sha}"

    async def ask(
        self,
        client: JournaledClient,
        text: str,
        kind: type[AnswerT],
        name: str,
        language: Language,
        check: Callable[[AnswerT], str | None] | None = None,
    ) -> AnswerT | Missing:
        """Return the judge's answer to a filled prompt. One of which `check` still complains is returned as well."""
        return await client.answer(
            text,
            kind,
            model=self.model,
            settings=self.settings,
            name=name,
            repair=load_prompt(REPAIR, language, self.folder),
            check=check,
            partial=True,
        )

    def facts(self, name: str, prompts: Iterable[str]) -> AgentFacts:
        """Return what a judge of these settings says of itself."""
        return AgentFacts(
            name=name,
            models={"judge": self.model.label},
            prompts=prompt_shas([*prompts, REPAIR], self.folder, self.languages),
        )


def call_facts(replies: Sequence[Reply]) -> dict[str, Any]:
    """Return what a rating says of the calls that it took: rung and least legal mass of the last, keys of all."""
    last = replies[-1].entry
    return {
        "rung": last.rung,
        "legal_mass": min(last.legal_mass.values(), default=None),
        "calls": [reply.key for reply in replies],
    }
