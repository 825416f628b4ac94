"""Read the turns of dialogues of any shape: our records, lists of {role, content}, {"messages": [...]} and the like."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record
from cocoon.core.records import Dialogue, Language, Role, Turn
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.foreign_file import read_values, shown

_LISTS = ("turns", "messages", "dialog", "dialogue", "conversation")
_ROLES: dict[str, Role] = {
    **dict.fromkeys(("user", "usr", "client", "seeker", "来访者", "求助者", "倾诉者", "用户"), "user"),
    **dict.fromkeys(
        ("supporter", "assistant", "counselor", "counsellor", "therapist", "listener", "helper", "sys"), "supporter"
    ),
    **dict.fromkeys(("心理咨询师", "咨询师", "支持者", "倾听者"), "supporter"),
}
_NEITHER_SIDE = frozenset(("system", "developer", "tool"))


class SpokenDialogue(NamedTuple):
    """A dialogue without its profile and its making: who says what, in which language."""

    id: str
    language: Language
    turns: list[Turn]


def read_turn_lists(path: Path, language: Language | None = None) -> Iterator[SpokenDialogue]:
    """Yield the dialogues of a .json or .jsonl file, or of a run folder.

    Turns outside any list are one dialogue together. `language` None: what the record says, or else what the script
    shows. Raises CocoonError naming the file, the record and the key.
    """
    single_turns: list[Turn] = []
    for where, value in read_values(path / "dialogues.jsonl" if path.is_dir() else path):
        if isinstance(value, dict) and "profile" in value and "turns" in value:
            record = parse_record(value, Dialogue, where)
            yield SpokenDialogue(record.id, language or record.language, record.turns)
        elif isinstance(value, dict) and not any(key in value for key in _LISTS):
            single_turns += _turns([value], where)
        else:
            yield _spoken(_name(value, where), _turns(_list(value), where), language)
    if single_turns:
        yield _spoken(path.name, single_turns, language)


def _spoken(name: str, turns: list[Turn], language: Language | None) -> SpokenDialogue:
    return SpokenDialogue(name, language or language_by_script(" ".join(turn.content for turn in turns)), turns)


def _list(value: Any) -> Any:
    return next((value[key] for key in _LISTS if key in value), value) if isinstance(value, dict) else value


def _name(value: Any, where: str) -> str:
    name = value.get("id") if isinstance(value, dict) else None
    return str(name) if name is not None else where


def _turns(values: Any, where: str) -> list[Turn]:
    if not isinstance(values, list):
        raise CocoonError(f"{where}: must hold a list of turns with role and content, found {shown(values)}")
    return [turn for number, value in enumerate(values) if (turn := _turn(value, f"{where}, turn {number}"))]


def _turn(value: Any, where: str) -> Turn | None:
    """Return one turn, or None for a message that belongs to neither side."""
    if not isinstance(value, dict):
        raise CocoonError(f"{where}: must be an object with role and content, found {shown(value)}")
    role = value.get("role", value.get("speaker"))
    content = value.get("content", value.get("text"))
    if isinstance(role, str) and role.strip().lower() in _NEITHER_SIDE:
        return None
    known = _ROLES.get(role.strip().lower()) if isinstance(role, str) else None
    if known is None:
        raise CocoonError(f"{where}: role {shown(role)} is unknown; use 'user' or 'supporter'")
    if not isinstance(content, str):
        raise CocoonError(f"{where}: key 'content': must be text, found {shown(content)}")
    return Turn(role=known, content=content)
