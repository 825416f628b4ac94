"""Situations: dialogues that end with a message of the user, to which a steered model replies.

Four sets are kept apart: `extract` (that of the pairs), `choose` (which layers), `calibrate` (which coefficient) and
`report`.
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
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue, Language, Profile, Record, Role
from cocoon.models.messages import Message
from cocoon.steering.pairs.pairs import SHIPPED, Overlap, overlaps

LATE = 3
_GREETING: dict[Language, int] = {"en": 40, "zh": 12}
SETS = ("choose", "calibrate", "report")


class Said(Record):
    """One turn before the reply."""

    role: Role
    content: str = Field(min_length=1)


class Situation(Record):
    """A dialogue that ends with the user. `source` names where it comes from: a profile or a dialogue."""

    id: str = Field(min_length=1)
    language: Language
    talk: list[Said] = Field(min_length=1)
    source: str = "own"

    @property
    def unit(self) -> str:
        """Whose situation it is: moments of one person or dialogue are alike, and count as one in every interval."""
        return self.id if self.source == "own" else self.source

    @property
    def text(self) -> str:
        """All messages of the user, by which situations are compared."""
        return " ".join(turn.content for turn in self.talk if turn.role == "user")

    @property
    def replies(self) -> int:
        """Turns of the supporter before this reply."""
        return sum(turn.role == "supporter" for turn in self.talk)

    def messages(self, told: str | None = None) -> list[Message]:
        """Return the prompt for a reply. `told` is the system prompt (default: `steering/reply`)."""
        system = told if told is not None else load_prompt("steering/reply", self.language).render()
        roles = {"user": "user", "supporter": "assistant"}
        turns: list[Message] = [{"role": roles[turn.role], "content": turn.content} for turn in self.talk]
        return [{"role": "system", "content": system}, *turns]


def read_situations(name: str) -> list[Situation]:
    """Read situations from a file, or shipped ones such as `shipped:en:calibrate` (sets: choose, calibrate, report).

    A JSONL file may hold situations, profiles (their feeling is what the user says) or dialogues (each user turn ends a
    situation). Raises CocoonError for anything else.
    """
    if name.partition(":")[0] == SHIPPED:
        return _shipped(name)
    path = Path(name).expanduser()
    if not path.is_file():
        raise CocoonError(f"situations {name!r} are not there; give a JSONL file, or shipped:en:calibrate")
    situations = [
        situation for number, line in read_lines(path) for situation in _of_line(line, f"{path}: line {number}")
    ]
    if not situations:
        raise CocoonError(f"{path} holds no situation; give a JSONL file of situations, profiles or dialogues")
    return situations


def _of_line(line: dict[str, Any], where: str) -> list[Situation]:
    if "talk" in line:
        return [parse_record(line, Situation, where)]
    if "turns" in line:
        return list(of_dialogue(parse_record(line, Dialogue, where)))
    return of_profiles([parse_record(line, Profile, where)])


def of_profiles(profiles: Iterable[Profile]) -> list[Situation]:
    """Return one situation for each profile with a feeling, in which the user says it."""
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


def of_dialogue(dialogue: Dialogue, *, greetings: bool = False) -> Iterator[Situation]:
    """Yield a situation for every user turn, with the dialogue up to it.

    Unless `greetings` count too, it begins once the user has said more than a greeting.
    """
    turns = [Said(role=turn.role, content=turn.content) for turn in dialogue.turns if turn.content.strip()]
    for index, turn in enumerate(turns):
        if turn.role == "user":
            name = f"{dialogue.id}.{index}"
            situation = Situation(
                id=name, language=dialogue.language, talk=turns[: index + 1], source=dialogue.profile.id
            )
            if greetings or len(situation.text) >= _GREETING[dialogue.language]:
                yield situation


def spread_situations(situations: Sequence[Situation], count: int, seed: int = 0, *, each: int = 1) -> list[Situation]:
    """Return at most `count` situations, half of them after 3 to 6 supporter turns where possible.

    Every source gives one before any gives a second, and none gives more than `each`.
    """
    generator = random.Random(seed)
    sources: dict[str, list[Situation]] = {}
    for situation in situations:
        sources.setdefault(situation.unit, []).append(situation)
    names = sorted(sources)
    generator.shuffle(names)
    chosen: list[Situation] = []
    turns = [(turn, number, name) for turn in range(each) for number, name in enumerate(names)]
    for turn, number, name in turns:
        remaining = sources[name]
        if len(chosen) == count or not remaining:
            continue
        late = [situation for situation in remaining if LATE <= situation.replies <= 2 * LATE]
        early = [situation for situation in remaining if situation.replies < LATE]
        preferred = late if (number + turn) % 2 else early
        situation = generator.choice(preferred or late or early or remaining)
        remaining.remove(situation)
        chosen.append(situation)
    return chosen


def _shipped(name: str) -> list[Situation]:
    _, language, chosen = [*name.split(":"), "", ""][:3]
    if language not in ("en", "zh") or chosen not in SETS:
        known = ", ".join(SETS)
        raise CocoonError(f"situations {name!r}: shipped ones are shipped:en:SET and shipped:zh:SET, with SET {known}")
    text = (files("cocoon.steering") / "shipped" / f"situations.{language}.yaml").read_text("utf-8")
    messages: list[str] = yaml.safe_load(text)[chosen]
    return [
        Situation(
            id=f"{language}-{chosen}-{number:02}",
            language=language,
            talk=[Said(role="user", content=message)],
        )
        for number, message in enumerate(messages, 1)
    ]


def check_apart(
    sets: Mapping[str, Sequence[tuple[str, str]]], *, allowed: bool = False, near: float = 85.0
) -> list[tuple[str, str, Overlap]]:
    """Return situations that are in more than one set, equal or nearly so.

    `sets` maps a name to pairs of (id or source, text). Raises CocoonError for the first overlap unless overlaps are
    `allowed`.
    """
    names = list(sets)
    shared = [
        (name, other, overlap)
        for index, name in enumerate(names)
        for other in names[index + 1 :]
        for overlap in overlaps(sets[name], sets[other], near)
    ]
    if shared and not allowed:
        name, other, overlap = shared[0]
        raise CocoonError(
            f"{len(shared)} situations stand in two sets: {overlap.one!r} of {name} and {overlap.other!r} of {other} "
            f"are {overlap.likeness:.0f} of 100 alike; leave them out of one, or say --allow-overlap"
        )
    return shared


def marks(situations: Iterable[Situation]) -> list[tuple[str, str]]:
    """Return the id or source and the text of each situation, which `check_apart` compares."""
    return [(situation.unit, situation.text) for situation in situations]
