"""Two judges of your own: one counts, the other asks a model."""

import re

import cocoon

MODEL = "local:smollm2"
PROMPT = "Rate how warm the Supporter is, from 1 (cold) to 5 (warm). Answer with the number alone.\n\n{transcript}"


def brevity(dialogue: cocoon.Dialogue) -> dict[str, float]:
    """Rate with numbers by their names: here the length of the supporter's turns, in characters."""
    lengths = [len(turn.content) for turn in dialogue.turns if turn.role == "supporter"]
    return {"mean": sum(lengths) / len(lengths), "longest": max(lengths)}


class Warmth:
    """A judge with a model. What cannot be read is missing, with its reason, and never a default."""

    name = "warmth"

    async def rate(self, client: cocoon.JournaledClient, dialogue: cocoon.Dialogue) -> cocoon.Rating | cocoon.Missing:
        words = cocoon.transcript(dialogue.turns, dialogue.language)
        reply = await client.reply(PROMPT.format(transcript=words), model=MODEL)
        found = re.search(r"\b[1-5]\b", reply)
        if found is None:
            return cocoon.Missing("the reply has no number from 1 to 5")
        return cocoon.make_rating(dialogue, self.name, {"warmth": float(found.group())})
