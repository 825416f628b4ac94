"""A simulated user of your own: it stays on the surface until two replies in a row have asked it nothing."""

import cocoon

MODEL = "local:smollm2"
PROMPT = "You are {emotion}, and somebody talks with you. Say in one or two plain sentences, in your own words: {words}"


class Wary:
    """Its memory counts the replies that asked nothing, and everybody else sees it as plain JSON."""

    def first_memory(self, profile: cocoon.Profile) -> cocoon.Memory:
        return {"calm": 0, "hidden": profile.need or profile.feeling}

    async def respond(
        self, client: cocoon.JournaledClient, view: cocoon.UserView, memory: cocoon.Memory
    ) -> tuple[cocoon.Utterance, cocoon.Memory]:
        memory = memory or {}
        calm = 0 if "?" in view.last else memory["calm"] + 1
        words = memory["hidden"] if calm >= 2 else view.profile.feeling
        said = await client.reply(view.chat(PROMPT.format(emotion=view.profile.emotion, words=words)), model=MODEL)
        return cocoon.Utterance(content=said, leaves=calm > 4), {**memory, "calm": calm}
