"""Read SAGE: traces of a simulated user whose emotion is scored after every turn (0 to 100), and user profiles."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Profile, Role, Thought
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.dialogue_draft import (
    Corpus,
    Draft,
    Fact,
    ReadDialogue,
    a_list,
    a_number,
    an_id,
    an_object,
    optional_text,
    speaker_role,
)
from cocoon.corpora.reading.foreign_text import values
from cocoon.corpora.reading.repair import RepairNote

CORPUS = Corpus(
    "sage", "SAGE, simulated users with emotion scores, zh", "SAGE (Tencent digitalhuman)", "MIT", "attribution"
)
ROLES: dict[str, Role] = {"user": "user", "assistant": "supporter"}
_FACTS = ("emo_point", "emo_state", "target", "topic", "character", "main_cha", "task")
_EVENT = re.compile(r"\*\*事件起因[：:]?\*\*\s*(?P<text>.+?)(?=\n\s*\n|\*\*事件经过|\Z)", re.DOTALL)


def load_sage(path: Path) -> Iterator[ReadDialogue]:
    """Yield every trace, with the user's planning as its thought and its score under `emotion`."""
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        draft = Draft(CORPUS, where, an_id(CORPUS, record.get("id"), number))
        for position, item in enumerate(a_list(record.get("history"), where, "key 'history'"), 1):
            _turn(draft, an_object(item, where, f"turn {position}"), f"turn {position}")
        yield draft.read(
            feeling=_event(record, where),
            scenario=optional_text(record, "topic", where),
            facts=_facts(record),
        )


def _turn(draft: Draft, turn: Mapping[str, Any], position: str) -> None:
    role = speaker_role(turn.get("role"), ROLES, draft.where, position)
    score = a_number(turn.get("emotion-point"))
    planning = turn.get("planning")
    analysis = optional_text(planning, "analyse", draft.where) if isinstance(planning, dict) else ""
    thought = Thought(analysis=analysis) if analysis else None
    draft.say(role, turn.get("content"), position, thought, {"emotion": score} if score is not None else None)


def _facts(record: Mapping[str, Any]) -> dict[str, Fact]:
    return {key: value for key in _FACTS if isinstance(value := record.get(key), (str, int, float, bool))}


def _event(record: Mapping[str, Any], where: str) -> str:
    """Return the event that started the story, as the scene states it under its heading.

    Where the scene has no such heading, return the full scene.
    """
    scene = optional_text(record, "scene", where)
    match = _EVENT.search(scene)
    return " ".join((match["text"] if match else scene).split())


def load_sage_profiles(path: Path) -> Iterator[tuple[str, Profile, list[RepairNote]]]:
    """Yield (where, profile, no repairs), with the event as the feeling and the hidden task as the need."""
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        event = _event(record, where)
        if not event:
            raise CocoonError(f"{where}: key 'scene': has no event")
        yield (
            where,
            Profile(
                id=an_id(CORPUS, record.get("id"), number),
                language=language_by_script(event),
                scenario=optional_text(record, "topic", where) or optional_text(record, "main_cha", where),
                feeling=event,
                need=optional_text(record, "task", where) or None,
                source=CORPUS.source,
                licence=CORPUS.licence,
            ),
            [],
        )
