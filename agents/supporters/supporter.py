"""The supporter: speaks first with a plain observation of the emotion, then replies in its prompt's manner."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from cocoon.agents.protocols import Opens, Supporter, SupporterView, Utterance, utterance_of
from cocoon.core.prompts import Prompt, load_prompt, prompt_shas
from cocoon.core.records import AgentFacts, Language
from cocoon.core.strategy_tags import split_thought
from cocoon.models.by_name import Model
from cocoon.models.calls import Settings
from cocoon.models.client import JournaledClient

OPENING = "supporter/opening"


@dataclass(frozen=True)
class PromptedSupporter:
    """A supporter that is a model under a prompt. `name` stands in every record, `prompt` names its system prompt."""

    name: str
    model: Model
    prompt: str = "listen"
    settings: Settings = Settings(temperature=0.7, max_tokens=200)
    folder: Path | None = None
    languages: tuple[Language, ...] = get_args(Language)

    def system(self, language: Language) -> Prompt:
        """Return its system prompt in a language."""
        return load_prompt(f"supporter/{self.prompt}", language, self.folder)

    def open(self, view: SupporterView) -> str:
        """Return the fixed first words: an observation, never a question, and no model call."""
        return plain_opening(view, self.folder)

    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance:
        """Return the next reply to the user. Thoughts in tags before it are kept apart.

        A reply whose thoughts do not end, or after which nothing is said, is asked for again, since what the user may
        see of it cannot be decided. Raises CallFailedError after three (a larger max_tokens helps).
        """
        messages = view.chat(self.system(view.language).render())
        content = await client.reply(
            messages, model=self.model, settings=self.settings, accept=can_be_said, speaker="supporter"
        )
        thought, spoken = split_thought(content) or (None, content)
        return utterance_of(client.replies[-1].parts, spoken, thought)

    def facts(self) -> AgentFacts:
        """Return its model and its prompts."""
        return AgentFacts(
            name=self.name,
            kind="prompted",
            models={"supporter": self.model.label},
            prompts=prompt_shas([OPENING, f"supporter/{self.prompt}"], self.folder, self.languages),
        )


def plain_opening(view: SupporterView, folder: Path | None = None) -> str:
    """Return the paper's first words: a plain observation of the emotion."""
    return load_prompt(OPENING, view.language, folder).render(emotion=view.emotion)


def first_words(supporter: Supporter, view: SupporterView) -> str:
    """Return how a supporter opens: in its own way, or with the plain observation."""
    return supporter.open(view) if isinstance(supporter, Opens) else plain_opening(view)


def can_be_said(reply: str) -> bool:
    """Return whether words follow the thoughts of a reply, and it is plain where they begin."""
    parted = split_thought(reply)
    return parted is not None and bool(parted[1].strip())
