"""Read PatientHub: sessions of a simulated client with a therapist, and the characters of its clients."""

from collections.abc import Iterator, Mapping
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Memory
from cocoon.corpora.loaders.messages.conversation import say_messages
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.layout import Layout
from cocoon.corpora.reading.repair import ReadProfile

CORPUS = Corpus(
    "patienthub", "PatientHub, sessions with simulated clients, en", "PatientHub", "MIT (repository)", "attribution"
)
# Where the clients of its methods say what their trouble is, the first that is there.
_TROUBLES = (
    ("situation",),
    ("basic_profile", "situation"),
    ("profile", "problem_formulation", "presenting_problem", "situation"),
    ("description",),
    ("patient_info",),
)


def read_patienthub(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield a session, with what its character is troubled by as the feeling."""
    profile = record.get("profile")
    person = ForeignRecord(profile if isinstance(profile, dict) else {}, record.where)
    say_messages(draft, record.objects("messages", "message"))
    yield draft.read(feeling=_trouble(person), emotion=_emotion(person))


def _shows_patienthub(record: Mapping[str, Any]) -> bool:
    shows = "num_turns" in record or isinstance(record.get("profile"), dict)
    return shows and isinstance(record.get("messages"), list)


LAYOUT = Layout(CORPUS, read_patienthub, _shows_patienthub)


def read_patienthub_character(record: ForeignRecord, draft: Draft) -> ReadProfile:
    """Return a profile with the client's situation as the feeling, and its history as a memory. It states no need."""
    trouble = _trouble(record)
    if not trouble:
        keys = ", ".join(".".join(path) for path in _TROUBLES)
        raise CocoonError(f"{record.where}: the character says nowhere what troubles it; it stands under one of {keys}")
    history = record.get("history")
    memory = [Memory(text=history.strip())] if isinstance(history, str) and history.strip() else []
    person = CORPUS.person(draft.id, trouble, memory=memory)
    return ReadProfile(record.where, person.model_copy(update={"emotion": _emotion(record)}), draft.notes)


def _trouble(person: ForeignRecord) -> str:
    for path in _TROUBLES:
        value: Any = person.fields
        for key in path:
            value = value.get(key) if isinstance(value, dict) and key in value else None
        if isinstance(value, str) and value.strip():
            return ForeignRecord({"": value}, person.where).text("")
    return ""


def _emotion(person: ForeignRecord) -> str:
    emotion = person.get("emotion")
    if isinstance(emotion, list):
        return "; ".join(name for name in emotion if isinstance(name, str))
    return emotion if isinstance(emotion, str) else ""
