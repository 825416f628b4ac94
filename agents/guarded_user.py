"""The guarded user: what it has not unlocked is not in its prompt, so its need cannot leak (design section 4).

One turn is appraise -> disclose -> speak. Only `appraise` may see the whole profile, and it returns enums and
integers; `disclose` is a rule over them; `speak` is told what is open now and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.agents.appraiser import Appraiser
from cocoon.agents.scene import Said, Scene, seen_by
from cocoon.agents.trust import TrustGate
from cocoon.core.calls import Caller, Reply, Settings
from cocoon.core.journal import Place
from cocoon.core.models import Model
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Appraisal, UserState


@dataclass(frozen=True)
class GuardedUser:
    """A user behind a trust gate."""

    model: Model
    appraiser: Appraiser
    gate: TrustGate = field(default_factory=TrustGate)
    settings: Settings = Settings(temperature=0.7, max_tokens=160)
    folder: Path | None = None

    async def appraise(
        self, caller: Caller, scene: Scene, before: UserState | None
    ) -> tuple[Appraisal | None, list[Reply]]:
        """How the last supporter turn was taken; the fixed opening is taken as it is and asks no model."""
        if scene.spoken_by("user") == 0:
            return Appraisal(accuracy="none", pressure=0), []
        unlocked: Sequence[int] = before.unlocked if before else []
        return await self.appraiser.appraise(caller, scene, unlocked)

    def disclose(self, scene: Scene, before: UserState | None, appraisal: Appraisal | None) -> UserState:
        """What is open after this turn: a rule, no model."""
        if before is None:
            return self.gate.begin(scene.profile).model_copy(update={"appraisal": appraisal})
        return self.gate.step(before, appraisal, scene.profile)

    async def speak(self, caller: Caller, scene: Scene, state: UserState) -> Said:
        """The user's words, made from what is open."""
        place = Place(scene.dialogue, "user", scene.spoken_by("user"))
        messages = seen_by("user", scene.turns, self.system(scene, state))
        content, replies = await caller.text(self.model, place, messages, self.settings)
        return Said(content, replies, state, leaves=self.gate.leaves(state))

    def system(self, scene: Scene, state: UserState) -> str:
        """The system prompt of one turn; holds open chain nodes and memories only."""
        profile = scene.profile
        needs = [step.need for step in profile.chain]
        return load_prompt("user/guarded", scene.language, self.folder).render(
            emotion=profile.emotion,
            feeling=profile.feeling,
            known=[needs[node] for node in state.unlocked if node not in state.newly],
            newly=[needs[node] for node in state.newly],
            memories=[profile.memory[index].text for index in state.memories],
            openness=self.gate.openness(state, profile),
            pressed=state.pressed,
            touched=state.touched_locked,
        )
