"""How every dialogue loader builds a record: turns as they come, each repair noted, nothing dropped in silence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Language, Profile, Role, Thought, Turn
from cocoon.corpora.foreign_file import clip, language_of, shown
from cocoon.corpora.repair import Repair, RepairNote

# A longer turn is a broken file, not somebody's words.
LONGEST_TURN = 200_000
Redistribution = Literal["free", "attribution", "non_commercial", "none"]
Fact = str | int | float | bool | None


@dataclass(frozen=True)
class Corpus:
    """What is known of a corpus. `redistribution`: what its licence lets others pass on."""

    name: str
    about: str
    source: str
    licence: str
    redistribution: Redistribution


@dataclass(frozen=True)
class Read:
    """One record read: the dialogue (none: dropped, and a note says why), and what was done to it."""

    where: str
    dialogue: Dialogue | None
    notes: list[RepairNote]


@dataclass
class Draft:
    """One dialogue being read."""

    corpus: Corpus
    where: str
    id: str
    turns: list[Turn] = field(default_factory=list)
    notes: list[RepairNote] = field(default_factory=list)
    stage_boundary: int | None = None

    def note(self, key: str, repair: Repair, reason: str) -> None:
        """Tell of something that was done."""
        self.notes.append(RepairNote(where=self.where, profile=self.id, key=key, repair=repair, reason=reason))

    def say(
        self,
        role: Role,
        content: Any,
        place: str,
        thought: Thought | None = None,
        scores: Mapping[str, float | None] | None = None,
        draft: str | None = None,
    ) -> None:
        """Add a turn; an empty one is dropped with a note. CocoonError for what is no text, naming `place`."""
        text = a_text(content, self.where, place)
        if not text:
            self.note(place, "dropped", f"an empty turn of the {role}")
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
    ) -> Read:
        """The finished record; a dialogue without a turn is dropped."""
        if not self.turns:
            self.note("turns", "dropped", "the dialogue has no turn")
            return Read(self.where, None, self.notes)
        spoken = language or language_of(" ".join(turn.content for turn in self.turns[:20]))
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
        return Read(self.where, dialogue, self.notes)


def a_text(value: Any, where: str, place: str) -> str:
    """A text with its ends trimmed; CocoonError for anything else, or one that is too long."""
    if not isinstance(value, str):
        raise CocoonError(f"{where}: {place}: must be a text, found {shown(value)}")
    if len(value) > LONGEST_TURN:
        raise CocoonError(f"{where}: {place}: {len(value)} characters, a turn has at most {LONGEST_TURN}")
    return value.encode("utf-8", "replace").decode("utf-8").strip()


def an_object(value: Any, where: str, place: str = "the record") -> dict[str, Any]:
    """An object with keys; CocoonError for anything else."""
    if not isinstance(value, dict):
        raise CocoonError(f"{where}: {place}: must be an object with keys, found {shown(value)}")
    return value


def a_list(value: Any, where: str, place: str) -> list[Any]:
    """A list; CocoonError for anything else."""
    if not isinstance(value, list):
        raise CocoonError(f"{where}: {place}: must be a list, found {shown(value)}")
    return value


def optional_text(record: Mapping[str, Any], key: str, where: str) -> str:
    """The text under a key, empty where it is absent or null."""
    value = record.get(key)
    return "" if value is None else a_text(value, where, f"key {key!r}")


def role_of(value: Any, roles: Mapping[str, Role], where: str, place: str) -> Role:
    """Our name of a foreign role; CocoonError naming the known ones."""
    if isinstance(value, str) and value.strip().lower() in roles:
        return roles[value.strip().lower()]
    raise CocoonError(f"{where}: {place}: {shown(value)} is none of the roles {', '.join(roles)}")


def an_id(corpus: Corpus, value: Any, number: int) -> str:
    """The id of a dialogue: the corpus' name with the record's own id, or its number."""
    own = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return f"{corpus.name}-{clip(own or str(number))}"


def a_number(value: Any) -> float | None:
    """A number, also one written as a text; none for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) < 1e12 else None
