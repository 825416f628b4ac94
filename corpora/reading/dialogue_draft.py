"""Build the record of a dialogue for every loader: turns in their order, a note for each repair, no silent loss."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from cocoon.core.records import Dialogue, Language, Memory, Preference, Profile, Role, Thought, Turn
from cocoon.core.text import has_letters, language_by_script, other_language
from cocoon.corpora.reading.foreign_file import clip
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.repair import Repair, RepairNote
from cocoon.corpora.reading.spoken_text import PRIVATE_KEYS, spoken_text

Redistribution = Literal["free", "attribution", "non_commercial", "none"]
Fact = str | int | float | bool | None
_LOOKED_AT = 600
"""Characters of a dialogue by which its language is found out."""
CLAIMED = "(as claimed)"
_KNOWN_LANGUAGES = ("zh", "en", "chinese", "english", "cn", "eng", "zho", "chi", "cmn", "und")
SYSTEM_ROLES = ("system", "developer")


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

    def as_claimed(self) -> "Corpus":
        """Return the corpus with its source and licence marked as what the user said, which the file does not show."""
        return replace(self, source=f"{self.source} {CLAIMED}", licence=f"{self.licence} {CLAIMED}")

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
    number: int = 1
    turns: list[Turn] = field(default_factory=list)
    notes: list[RepairNote] = field(default_factory=list)
    facts: dict[str, Fact] = field(default_factory=dict)
    stage_boundary: int | None = None
    preference: Preference | None = None
    other_language: str = ""

    def number_by(self, own: Any) -> None:
        """Take the record's own name or number as the id, where it has one."""
        self.id = self.corpus.id_of(own, self.number)

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
        private: str = "",
    ) -> None:
        """Add a turn, or drop it with a note if it is empty.

        The content is a text or a list of parts. What is private in it stays apart in the turn's thought, which is
        never spoken and never trained on. Raises CocoonError naming `position` if the content has another form.
        """
        spoken = spoken_text(role, content, self.where, position)
        if spoken.without_words:
            self.note(position, "dropped", f"parts without words: {', '.join(sorted(set(spoken.without_words)))}")
        if private := "\n\n".join(filter(None, (private, spoken.private))):
            self.note(position, "kept_apart", "private text is kept as the turn's reasoning, not as speech")
            thought = (thought or spoken.thought or Thought()).model_copy(update={"reasoning": private})
        if not spoken.words:
            self.note(position, "dropped", f"an empty turn of the {role}")
            return
        thought = thought or spoken.thought
        self.turns.append(
            Turn(role=role, content=spoken.words, thought=thought, scores=dict(scores or {}), draft=draft)
        )

    def say_all(self, turns: Iterable[ForeignRecord], speaker: str, content: str, roles: Mapping[str, Role]) -> None:
        """Add turns whose speaker and content stand under these keys. System messages become a fact of the dialogue."""
        for turn in turns:
            if turn.get(speaker) in SYSTEM_ROLES:
                self.keep_system(turn.text(content), turn.position)
            else:
                keys = [key for key in PRIVATE_KEYS if key in turn.fields]
                private = "\n\n".join(turn.text(key) for key in keys if isinstance(turn.get(key), str))
                self.say(turn.role(speaker, roles), turn.get(content), turn.position, private=private)

    def declare_language(self, name: Any) -> None:
        """Keep the language that a record says it is in, where it says one that is neither Chinese nor English."""
        plain = name.strip().lower() if isinstance(name, str) else ""
        if plain and plain.partition("-")[0].partition("_")[0] not in _KNOWN_LANGUAGES:
            self.other_language = clip(plain)

    def keep_system(self, text: str, position: str) -> None:
        """Keep a system text as a fact of the dialogue."""
        if text:
            self.facts["system"] = "\n".join(filter(None, (str(self.facts.get("system") or ""), text)))
            self.note(position, "relabelled", "a system message became the fact 'system'")

    def leave_out(self, key: str, reason: str) -> ReadDialogue:
        """Return the record without a dialogue, with the reason."""
        self.note(key, "dropped", reason)
        return ReadDialogue(self.where, None, self.notes)

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
        """Return the finished record.

        It has no dialogue if it has no turn, and if its words are in a language whose rules are not known here.
        `language` is that of the corpus, which decides only where the words have no letters.
        """
        if not self.turns:
            return self.leave_out("turns", "the dialogue has no turn")
        text = " ".join(turn.content for turn in self.turns[:20])[:_LOOKED_AT]
        if other := self.other_language or other_language(text):
            return self.leave_out("language", f"it is in another language than zh and en ({other})")
        spoken = language_by_script(text) if language is None or has_letters(text) else language
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
            preference=self.preference,
            facts={key: value for key, value in self.facts.items() if value is not None},
            source=corpus.source,
            licence=corpus.licence,
        )
        return ReadDialogue(self.where, dialogue, self.notes)


def thought_of(analysis: str, strategy: str = "") -> Thought | None:
    """Return the thought of a turn, or None where both its texts are empty."""
    return Thought(analysis=analysis, strategy=strategy) if analysis or strategy else None
