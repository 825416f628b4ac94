"""Dialogues to train on, made by chance from a seed."""

import json
import random
from pathlib import Path

from cocoon.core.records import Dialogue, Language, Profile, Role, Thought, Turn

_SAID: dict[Language, dict[Role, list[str]]] = {
    "en": {
        "supporter": [
            "You look a bit tired today.",
            "It weighs on you.",
            "Maybe it is rest that you long for 🌧️.",
            "I hear\nthat.",
        ],
        "user": ["A bit.", "It was a long week.", "Nothing new 😀", "I do not know; home, perhaps."],
    },
    "zh": {
        "supporter": ["你看起来有点累。", "这件事压在你心上。", "也许你想要的是休息🌧️。", "我听见了。\n慢慢来。"],
        "user": ["有一点。", "这个星期好长。", "没什么😀", "不知道，也许是家里的事。"],
    },
}


def talk(
    number: int, turns: int = 6, *, language: Language = "en", thoughts: bool = False, profile: str = ""
) -> Dialogue:
    """A dialogue that the supporter opens, of its own by `number`."""
    rng = random.Random(number)
    said = _SAID[language]
    made: list[Turn] = []
    for place in range(turns):
        role: Role = "user" if place % 2 else "supporter"
        words = f"{rng.choice(said[role])} {rng.choice(said[role])} {number}-{place}"
        thought = (
            Thought(analysis=f"{language} {number}", strategy="reflect") if thoughts and role == "supporter" else None
        )
        made.append(Turn(role=role, content=words, thought=thought))
    name = profile or f"p{number}"
    person = Profile(id=name, language=language, feeling=f"feeling {number} {rng.random()}")
    return Dialogue(id=f"d{number}", profile=person, supporter="x", language=language, turns=made)


def write_talks(path: Path, dialogues: list[Dialogue]) -> Path:
    """A dialogues.jsonl."""
    path.write_text("".join(f"{one.model_dump_json()}\n" for one in dialogues), "utf-8")
    return path


def logged(out: Path, key: str) -> dict[int, float]:
    """Return the logged values of one key, by step."""
    lines = [json.loads(line) for line in (out / "losses.jsonl").read_text("utf-8").splitlines()]
    return {line["step"]: line[key] for line in lines if key in line}
