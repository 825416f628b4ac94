"""The supporter: speaks first with a plain observation of the emotion, then replies in its prompt's manner."""

from dataclasses import dataclass
from pathlib import Path

from cocoon.agents.scene import Said, Scene, seen_by
from cocoon.core.calls import Caller, Settings
from cocoon.core.journal import Place
from cocoon.core.models import Model
from cocoon.core.prompts import Prompt, load_prompt
from cocoon.core.records import Language, Profile
from cocoon.core.thoughts import split_thought


@dataclass(frozen=True)
class Supporter:
    """A supporter of a run: `name` stands in every record, `prompt` names its system prompt."""

    name: str
    model: Model
    prompt: str = "listen"
    settings: Settings = Settings(temperature=0.7, max_tokens=200)
    folder: Path | None = None

    def system(self, language: Language) -> Prompt:
        """Its system prompt in a language."""
        return load_prompt(f"supporter/{self.prompt}", language, self.folder)

    def open(self, profile: Profile) -> str:
        """The fixed first words: an observation, never a question, and no model call."""
        return load_prompt("supporter/opening", profile.language, self.folder).render(emotion=profile.emotion)

    async def speak(self, caller: Caller, scene: Scene) -> Said:
        """The next reply to the user; thoughts in tags before it are kept apart, for its own history and the trace.

        A reply whose thoughts do not end, or after which nothing is said, is asked for again, since what the user may
        see of it cannot be told; raises CallFailedError after three (a larger max_tokens helps).
        """
        place = Place(scene.dialogue, "supporter", scene.spoken_by("supporter"))
        messages = seen_by("supporter", scene.turns, self.system(scene.language).render())
        content, replies = await caller.text(self.model, place, messages, self.settings, can_be_said)
        thought, spoken = split_thought(content) or (None, content)
        return Said(spoken, replies, thought=thought)


def can_be_said(reply: str) -> bool:
    """Whether words are said after the thoughts of a reply, and it is plain where they begin."""
    parted = split_thought(reply)
    return parted is not None and bool(parted[1].strip())
