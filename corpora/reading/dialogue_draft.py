"""Build the record of a dialogue for every loader: turns in their order, a note for each repair, no silent loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Language, Profile, Role, Thought, Turn
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.foreign_file import clip, shown
from cocoon.corpora.reading.repair import Repair, RepairNote

# A longer turn means a broken file, because no person says so much at once.
LONGEST_TURN = 200_000
Redistribution = Literal["free", "attribution", "non_commercial", "none"]
Fact = str | int | float | bool | None


@dataclass(frozen=True)
class Corpus:
    """What is known about a corpus. `redistribution` says whether its licence allows others to pass it on.

    `also` are other names that it goes by.
    """

    name: str
    about: str
    source: str
    licence: str
    redistribution: Redistribution
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadDialogue:
    """One record after reading: the dialogue and the repairs made to it.

    `dialogue` is None where the record was dropped, and a note says why.
    """

    where: str
    dialogue: Dialogue | None
    notes: list[RepairNote]


@dataclass
class Draft:
    """A dialogue while it is being read."""

    corpus: Corpus
    where: str
    id: str
    turns: list[Turn] = field(default_factory=list)
    notes: list[RepairNote] = field(default_factory=list)
    stage_boundary: int | None = None

    def note(self, key: str, repair: Repair, reason: str) -> None:
        """Record a repair."""
        self.notes.append(RepairNote(where=self.where, profile=self.id, key=key, repair=repair, reason=reason))

    def say(
        self,
        role: Role,
        content: Any,
        position: str,
        thought: Thought | None = None,
        scores: Mapping[str, float | None] | None = None,
        draft: str | None = None,
    ) -> None:
        """Add a turn, or drop it with a note if it is empty.

        Raises CocoonError naming `position` if the content is not text.
        """
        text = a_text(content, self.where, position)
        if not text:
            self.note(position, "dropped", f"an empty turn of the {role}")
            return
        self.turns.append(Turn(role=role, content=text, thought=thought, scores=dict(scores or {}), draft=draft))

    def read(
        self,
        *,
        feeling: str = "",
        emotion: str = "",
        scenario: str = "",
        language: Language | None = None,
        facts: Mapping[str, Fact] | None = None,
        need: str | None = None,
        profile: Profile | None = None,
    ) -> ReadDialogue:
        """Return the finished record, without a dialogue if it has no turn."""
        if not self.turns:
            self.note("turns", "dropped", "the dialogue has no turn")
            return ReadDialogue(self.where, None, self.notes)
        spoken = language or language_by_script(" ".join(turn.content for turn in self.turns[:20]))
        corpus = self.corpus
        person = profile or Profile(
            id=self.id,
            language=spoken,
            scenario=scenario,
            emotion=emotion,
            feeling=feeling,
            need=need,
            source=corpus.source,
            licence=corpus.licence,
        )
        dialogue = Dialogue(
            id=self.id,
            profile=person,
            supporter=corpus.name,
            language=spoken,
            turns=self.turns,
            stage_boundary=self.stage_boundary,
            facts={key: value for key, value in (facts or {}).items() if value is not None},
            source=corpus.source,
            licence=corpus.licence,
        )
        return ReadDialogue(self.where, dialogue, self.notes)


def a_text(value: Any, where: str, position: str) -> str:
    """Return a text without the space around it.

    Raises CocoonError for any other type and for a text that is too long.
    """
    if not isinstance(value, str):
        raise CocoonError(f"{where}: {position}: must be a text, found {shown(value)}")
    if len(value) > LONGEST_TURN:
        raise CocoonError(f"{where}: {position}: has {len(value)} characters, but a turn has at most {LONGEST_TURN}")
    return value.encode("utf-8", "replace").decode("utf-8").strip()


def an_object(value: Any, where: str, position: str = "the record") -> dict[str, Any]:
    """Return a JSON object as it is, or raise CocoonError for any other type."""
    if not isinstance(value, dict):
        raise CocoonError(f"{where}: {position}: must be an object with keys, found {shown(value)}")
    return value


def a_list(value: Any, where: str, position: str) -> list[Any]:
    """Return a list as it is, or raise CocoonError for any other type."""
    if not isinstance(value, list):
        raise CocoonError(f"{where}: {position}: must be a list, found {shown(value)}")
    return value


def optional_text(record: Mapping[str, Any], key: str, where: str) -> str:
    """Return the text under a key, or an empty text where the key is absent or null."""
    value = record.get(key)
    return "" if value is None else a_text(value, where, f"key {key!r}")


def speaker_role(value: Any, roles: Mapping[str, Role], where: str, position: str) -> Role:
    """Return our name of a foreign role, or raise CocoonError naming the known roles."""
    if isinstance(value, str) and value.strip().lower() in roles:
        return roles[value.strip().lower()]
    raise CocoonError(f"{where}: {position}: {shown(value)} is not a known role; the roles are {', '.join(roles)}")


def an_id(corpus: Corpus, value: Any, number: int) -> str:
    """Return the id of a dialogue: the name of the corpus and the record's own id, or its number where it has no id."""
    own = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return f"{corpus.name}-{clip(own or str(number))}"


def a_number(value: Any) -> float | None:
    """Return a number, also one written as a text, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < 1e12 else None
