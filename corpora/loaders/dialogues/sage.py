"""Read SAGE: traces of a simulated user whose emotion is scored after every turn (0 to 100), and user profiles."""

import re
from collections.abc import Iterator

from cocoon.core.errors import CocoonError
from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_record import ForeignRecord, a_number
from cocoon.corpora.reading.layout import Layout, has_keys
from cocoon.corpora.reading.repair import ReadProfile

CORPUS = Corpus(
    "sage", "SAGE, simulated users with emotion scores, zh", "SAGE (Tencent digitalhuman)", "MIT", "attribution"
)
ROLES: dict[str, Role] = {"user": "user", "assistant": "supporter"}
_FACTS = ("emo_point", "emo_state", "target", "topic", "character", "main_cha", "task")
_EVENT = re.compile(r"\*\*事件起因[：:]?\*\*\s*(?P<text>.+?)(?=\n\s*\n|\*\*事件经过|\Z)", re.DOTALL)


def read_sage(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield a trace, with the user's planning as its thought and its score under `emotion`."""
    for turn in record.objects("history"):
        _say(draft, turn)
    draft.facts |= {key: value for key in _FACTS if isinstance(value := record.get(key), (str, int, float, bool))}
    yield draft.read(feeling=_event(record), scenario=record.text("topic"))


LAYOUT = Layout(CORPUS, read_sage, has_keys("history", "scene"))


def _say(draft: Draft, turn: ForeignRecord) -> None:
    role = turn.role("role", ROLES)
    score = a_number(turn.get("emotion-point"))
    analysis = turn.object("planning").text("analyse") if isinstance(turn.get("planning"), dict) else ""
    scores = {"emotion": score} if score is not None else None
    draft.say(role, turn.get("content"), turn.position, thought_of(analysis), scores)


def _event(record: ForeignRecord) -> str:
    """Return the event that started the story, as the scene states it under its heading.

    Where the scene has no such heading, return the full scene.
    """
    scene = record.text("scene")
    match = _EVENT.search(scene)
    return " ".join((match["text"] if match else scene).split())


def read_sage_profile(record: ForeignRecord, draft: Draft) -> ReadProfile:
    """Return a profile with the event as the feeling and the hidden task as the need."""
    event = _event(record)
    if not event:
        raise CocoonError(f"{record.where}: key 'scene': has no event")
    scenario = record.text("topic") or record.text("main_cha")
    return ReadProfile(record.where, CORPUS.person(draft.id, event, scenario, record.text("task") or None))
