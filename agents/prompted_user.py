"""The paper's simulated user: the whole profile in the prompt, and an instruction to hold back (Figure 14)."""

from dataclasses import dataclass
from pathlib import Path

from cocoon.agents.scene import Said, Scene, seen_by
from cocoon.core.calls import Caller, Settings
from cocoon.core.journal import Place
from cocoon.core.models import Model
from cocoon.core.prompts import load_prompt

END_MARK = "[END]"


@dataclass(frozen=True)
class PromptedUser:
    """A user that knows its need and is asked not to say it; `may_leave` lets it end the talk with a mark."""

    model: Model
    settings: Settings = Settings(temperature=0.7, max_tokens=160)
    may_leave: bool = False
    folder: Path | None = None

    async def speak(self, caller: Caller, scene: Scene) -> Said:
        """The user's next words."""
        profile = scene.profile
        system = load_prompt("user/prompted", scene.language, self.folder).render(
            emotion=profile.emotion,
            feeling=profile.feeling,
            need=profile.need,
            memory=[memory.text for memory in profile.memory],
            may_leave=self.may_leave,
        )
        place = Place(scene.dialogue, "user", scene.spoken_by("user"))
        messages = seen_by("user", scene.turns, system)
        content, replies = await caller.text(self.model, place, messages, self.settings)
        if self.may_leave and content.endswith(END_MARK):
            return Said(content.removesuffix(END_MARK).strip() or "...", replies, leaves=True)
        return Said(content, replies)
