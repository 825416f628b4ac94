"""The paper's simulated user: the whole profile in the prompt, and an instruction to hold back (Figure 14)."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from cocoon.agents.protocols import Memory, UserView, Utterance, utterance_of
from cocoon.core.prompts import load_prompt, prompt_shas
from cocoon.core.records import AgentFacts, Language, Profile
from cocoon.models.by_name import Model
from cocoon.models.calls import Settings
from cocoon.models.client import JournaledClient

END_MARK = "[END]"
PROMPT = "user/prompted"


@dataclass(frozen=True)
class PromptedUser:
    """A user that knows its need and is asked not to say it. `may_leave` lets it end the talk with a mark."""

    model: Model
    settings: Settings = Settings(temperature=0.7, max_tokens=160)
    may_leave: bool = False
    folder: Path | None = None
    languages: tuple[Language, ...] = get_args(Language)

    def first_memory(self, profile: Profile) -> Memory:
        """Return None: this user remembers nothing beside the words."""
        del profile

    async def respond(self, client: JournaledClient, view: UserView, memory: Memory) -> tuple[Utterance, Memory]:
        """Return the user's next words."""
        del memory
        profile = view.profile
        system = load_prompt(PROMPT, view.language, self.folder).render(
            emotion=profile.emotion,
            feeling=profile.feeling,
            need=profile.need,
            memory=[memory.text for memory in profile.memory],
            may_leave=self.may_leave,
        )
        content = await client.reply(view.chat(system), model=self.model, settings=self.settings, speaker="user")
        utterance = utterance_of(client.replies[-1].parts, content)
        if self.may_leave and content.endswith(END_MARK):
            last_words = content.removesuffix(END_MARK).strip() or "..."
            return utterance.model_copy(update={"content": last_words, "leaves": True}), None
        return utterance, None

    def describe(self, memory: Memory, profile: Profile) -> str:
        """Return that there is no state to tell of."""
        del memory, profile
        return "the prompted user has no state: its whole profile is in its prompt"

    def facts(self) -> AgentFacts:
        """Return its model and its prompt."""
        return AgentFacts(
            name="prompted",
            kind="prompted",
            models={"user": self.model.label},
            prompts=prompt_shas([PROMPT], self.folder, self.languages),
        )
