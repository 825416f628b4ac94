"""Build the record of a dialogue for every loader: turns in their order, a note for each repair, no silent loss."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cocoon.core.records import Dialogue, Language, Memory, Profile, Role, Thought, Turn
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.foreign_file import clip
from cocoon.corpora.reading.foreign_record import ForeignRecord, a_text, an_object
from cocoon.corpora.reading.foreign_text import values
from cocoon.corpora.reading.repair import Repair, RepairNote

Redistribution = Literal["free", "attribution", "non_commercial", "none"]
Fact = str | int | float | bool | None


@dataclass(frozen=True)
class Corpus:
    """What is known about a corpus. `redistribution` says whether its licence allows others to pass it on."""

    name: str
    about: str
    source: str
    licence: str
    redistribution: Redistribution

    def id_of(self, value: Any, number: int) -> str:
        """Return an id: the name of the corpus and the record's own id, or its number where it has no id."""
        own = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        return f"{self.name}-{clip(own or str(number))}"

    def person(
        self, own_id: str, feeling: str, scenario: str = "", need: str | None = None, memory: Iterable[Memory] = ()
    ) -> Profile:
        """Return the profile of a person of whom the corpus states a feeling, in the language of the feeling."""
        return Profile(
            id=own_id,
            language=language_by_script(feeling),
            scenario=scenario,
            feeling=feeling,
            need=need,
            memory=list(memory),
            source=self.source,
            licence=self.licence,
        )


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
    facts: dict[str, Fact] = field(default_factory=dict)
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

    def say_all(self, turns: Iterable[ForeignRecord], speaker: str, content: str, roles: Mapping[str, Role]) -> None:
        """Add turns whose speaker and content stand under these keys. System messages become a fact of the dialogue."""
        for turn in turns:
            if turn.get(speaker) == "system":
                system_texts = (self.facts.get("system"), turn.text(content))
                self.facts["system"] = "\n".join(str(text) for text in system_texts if text)
                self.note(turn.position, "relabelled", "a system message became the fact 'system'")
            else:
                self.say(turn.role(speaker, roles), turn.get(content), turn.position)

    def read(
        self,
        *,
        feeling: str = "",
        emotion: str = "",
        scenario: str = "",
        language: Language | None = None,
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
            facts={key: value for key, value in self.facts.items() if value is not None},
            source=corpus.source,
            licence=corpus.licence,
        )
        return ReadDialogue(self.where, dialogue, self.notes)


def drafts(path: Path, corpus: Corpus) -> Iterator[tuple[ForeignRecord, Draft]]:
    """Yield every record of a file with the draft of its dialogue, whose id is the record's own or its number."""
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        yield record, Draft(corpus, where, corpus.id_of(record.get("id"), number))


def thought_of(analysis: str, strategy: str = "") -> Thought | None:
    """Return the thought of a turn, or None where both its texts are empty."""
    return Thought(analysis=analysis, strategy=strategy) if analysis or strategy else None
