"""Situations: talks that end with words of the user, to which a steered model replies.

Four sets are kept apart: `extract` (the pairs'), `choose` (which layers), `calibrate` (which coefficient), `report`.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record, read_lines
from cocoon.core.messages import Message
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Language, Profile, Record, Role
from cocoon.steering.pairs import SHIPPED, Overlap, overlaps

LATE = 3
_GREETING: dict[Language, int] = {"en": 40, "zh": 12}
SETS = ("choose", "calibrate", "report")


class Said(Record):
    """One turn before the reply."""

    role: Role
    content: str = Field(min_length=1)


class Situation(Record):
    """A talk that ends with the user. `source` names where it is from: a profile, a dialogue."""

    id: str = Field(min_length=1)
    language: Language
    talk: list[Said] = Field(min_length=1)
    source: str = "own"

    @property
    def text(self) -> str:
        """All that the user said, by which situations are told apart."""
        return " ".join(said.content for said in self.talk if said.role == "user")

    @property
    def replies(self) -> int:
        """Turns of the supporter before this reply."""
        return sum(said.role == "supporter" for said in self.talk)

    def messages(self, told: str | None = None) -> list[Message]:
        """The prompt for a reply; `told` is the system prompt (default: `steering/reply`)."""
        system = told if told is not None else load_prompt("steering/reply", self.language).render()
        roles = {"user": "user", "supporter": "assistant"}
        turns: list[Message] = [{"role": roles[said.role], "content": said.content} for said in self.talk]
        return [{"role": "system", "content": system}, *turns]


def read_situations(name: str) -> list[Situation]:
    """Situations of a file, or shipped ones such as `shipped:en:calibrate` (sets: choose, calibrate, report).

    A JSONL file may hold situations, profiles (their feeling is what the user says) or dialogues (each of their turns
    of the user ends a situation). Raises CocoonError for anything else.
    """
    if name.partition(":")[0] == SHIPPED:
        return _shipped(name)
    path = Path(name).expanduser()
    if not path.is_file():
        raise CocoonError(f"situations {name!r} are not there; give a JSONL file, or shipped:en:calibrate")
    found = [one for number, line in read_lines(path) for one in _of_line(line, f"{path}: line {number}")]
    if not found:
        raise CocoonError(f"{path}: holds no situation")
    return found


def _of_line(line: dict[str, Any], where: str) -> list[Situation]:
    if "talk" in line:
        return [parse_record(line, Situation, where)]
    if "turns" in line:
        return list(of_dialogue(parse_record(line, Dialogue, where)))
    return of_profiles([parse_record(line, Profile, where)])


def of_profiles(profiles: Iterable[Profile]) -> list[Situation]:
    """One situation a profile with a feeling: the user says it."""
    return [
        Situation(
            id=profile.id,
            language=profile.language,
            talk=[Said(role="user", content=profile.feeling)],
            source=profile.id,
        )
        for profile in profiles
        if profile.feeling.strip()
    ]


def of_dialogue(dialogue: Dialogue) -> Iterator[Situation]:
    """A situation for every turn of the user, the talk up to it, once more than a greeting has been said."""
    said = [Said(role=turn.role, content=turn.content) for turn in dialogue.turns if turn.content.strip()]
    for place, one in enumerate(said):
        if one.role == "user":
            name = f"{dialogue.id}.{place}"
            made = Situation(id=name, language=dialogue.language, talk=said[: place + 1], source=dialogue.profile.id)
            if len(made.text) >= _GREETING[dialogue.language]:
                yield made


def spread(situations: Sequence[Situation], count: int, seed: int = 0) -> list[Situation]:
    """At most `count`, one a source, half of them after 3 to 6 turns of the supporter where there are such."""
    drawn = random.Random(seed)
    sources: dict[str, list[Situation]] = {}
    for one in situations:
        sources.setdefault(one.id if one.source == "own" else one.source, []).append(one)
    names = sorted(sources)
    drawn.shuffle(names)
    chosen: list[Situation] = []
    for number, name in enumerate(names[:count]):
        late = [one for one in sources[name] if LATE <= one.replies <= 2 * LATE]
        early = [one for one in sources[name] if one.replies < LATE]
        wanted = late if number % 2 else early
        chosen.append(drawn.choice(wanted or late or early or sources[name]))
    return chosen


def _shipped(name: str) -> list[Situation]:
    _, language, chosen = [*name.split(":"), "", ""][:3]
    if language not in ("en", "zh") or chosen not in SETS:
        known = ", ".join(SETS)
        raise CocoonError(f"situations {name!r}: shipped ones are shipped:en:SET and shipped:zh:SET, with SET {known}")
    text = (files("cocoon.steering") / "shipped" / f"situations.{language}.yaml").read_text("utf-8")
    said: list[str] = yaml.safe_load(text)[chosen]
    return [
        Situation(
            id=f"{language}-{chosen}-{number:02}",
            language=language,
            talk=[Said(role="user", content=words)],
        )
        for number, words in enumerate(said, 1)
    ]


def check_apart(
    sets: Mapping[str, Sequence[tuple[str, str]]], *, allowed: bool = False, near: float = 85.0
) -> list[tuple[str, str, Overlap]]:
    """Situations that stand in more than one set (by name: (id or source, words)), the same or nearly so.

    Raises CocoonError for the first one unless they are `allowed`; then they are given back, to be printed.
    """
    names = list(sets)
    found = [
        (one, other, overlap)
        for place, one in enumerate(names)
        for other in names[place + 1 :]
        for overlap in overlaps(sets[one], sets[other], near)
    ]
    if found and not allowed:
        one, other, overlap = found[0]
        raise CocoonError(
            f"{len(found)} situations stand in two sets: {overlap.one!r} of {one} and {overlap.other!r} of {other} are "
            f"{overlap.likeness:.0f} of 100 alike; leave them out of one, or say --allow-overlap"
        )
    return found


def marks(situations: Iterable[Situation]) -> list[tuple[str, str]]:
    """What `check_apart` compares."""
    return [(one.id if one.source == "own" else one.source, one.text) for one in situations]
