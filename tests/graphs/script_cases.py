"""A person, a talk, and a writer and a rater that do all as they should, for the tests of scripts."""

from typing import Any

from cocoon.core.records import ChainStep, Memory, Profile
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.tests.graphs.generation_cases import Says

NEED = "I want my brother to forgive me for selling the orchard"
MEMORY = "In March I signed the orchard over to a stranger with a fountain pen while rain ran down the window"
# What the two say, round by round; in the sixth the user tells the need.
TALK = [
    ("", "Oh. I suppose I have not slept well."),
    ("So the nights are short just now.", "They are. I lie there and count the beams."),
    ("You lie there counting, and the hours pass.", "It began in spring, with some papers."),
    ("Some papers in spring took your sleep away.", "It was family land. I do not talk of it."),
    ("That land still has a hold on you.", "My brother grew up there as much as I did."),
    ("Your brother belongs to that place too.", "He has not called since then."),
    ("His silence is what the nights are full of.", "I want my brother to forgive me for selling the orchard."),
]
ADVISED = "You should call him tomorrow and explain everything."
LEAKED = "You signed the orchard over to a stranger with a fountain pen while rain ran down the window."


def person(name: str = "p") -> Profile:
    chain = [ChainStep(need="I want to sleep through the night"), ChainStep(need=NEED)]
    memory = [Memory(text=f"{NEED}: {MEMORY}", chain_node=1)]
    return Profile(id=name, language="en", emotion="weary", feeling="I am weary", need=NEED, chain=chain, memory=memory)


def exchange(place: int, **changes: str) -> dict[str, str]:
    supporter, user = TALK[place]
    return {"draft": supporter, "statement": supporter, "user": user, **changes}


def writer(text: str) -> Any:
    """A writer that does all as it should."""
    if "next 3 exchanges" in text:
        said = sum(user in text.partition("<script>")[2] for _, user in TALK)
        start = said or 1
        piece = {"exchanges": [exchange(place) for place in range(start, min(start + 3, len(TALK)))]}
        return piece if said else {"reply": TALK[0][1], **piece}
    if "in three steps" in text:
        return {"link": "He misses him.", "ways": "A letter, a visit.", "comfort": "It may ease."}
    if "closing words" in text:
        pairs = [
            {"supporter": f"One thing that could serve you is letter {n}.", "user": f"Maybe, {n}."} for n in "abcd"
        ]
        return {"exchanges": pairs, "closing": "I am glad that you told me."}
    return {"statement": "You are wondering about him."}


def rater(text: str) -> Any:
    """A rater that stops when the need is told, rates all 5, and annotates."""
    if "Judge two things" in text:
        told = TALK[-1][1] in text
        decision = "stop" if told else "continue"
        return {"understood": True, "reached": told, "decision": decision, "note": ""}
    if "Compare two texts" in text:
        return {"same": False}
    if "Does the Supporter advise" in text:
        return {"advice": False}
    if "Does the Supporter ask" in text:
        return {"asks": False}
    if "rating form" in text:
        return {"items": dict.fromkeys(load_scale("aels").item_ids, 5)}
    return {key: f"{key} is this" for key in ("facts", "expectation", "conjecture", "explore", "strategy")}


def changed(place: int, **changes: str) -> Says:
    """The good writer with one exchange of the listening stage changed."""

    def says(text: str) -> Any:
        found = writer(text)
        if isinstance(found, dict) and "exchanges" in found and "closing" not in found:
            found["exchanges"] = [one | changes if one["user"] == TALK[place][1] else one for one in found["exchanges"]]
        return found

    return says


REQUEST = "I would like to know which month it was."
