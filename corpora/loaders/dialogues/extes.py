"""Read ExTES: scene, description and content, with keys in any case.

An item of the content holds one turn or two turns, and the AI's turn may be an object.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Profile, Thought
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.dialogue_draft import (
    Corpus,
    Draft,
    Fact,
    ReadDialogue,
    a_list,
    an_id,
    an_object,
    optional_text,
)
from cocoon.corpora.reading.foreign_text import values
from cocoon.corpora.reading.repair import RepairNote

LICENCE = "none (ExTES ships no licence)"
CORPUS = Corpus("extes", "ExTES, model-written emotional support, en", "ExTES", LICENCE, "none")
_USER, _SUPPORTER = ("user",), ("ai", "response", "assistant")
_STRATEGY = ("ai strategy", "strategy")
_KEYS = ("scene", "description", "content")


def load_extes(path: Path) -> Iterator[ReadDialogue]:
    """Yield every dialogue.

    Raises CocoonError naming the file, the record and the turn that cannot be read.
    """
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        draft = Draft(CORPUS, where, an_id(CORPUS, record.get("id"), number))
        for position, item in enumerate(a_list(record.get("content"), where, "key 'content'"), 1):
            _item(draft, an_object(item, where, f"item {position}"), f"item {position}")
        facts: dict[str, Fact] = {
            key: value if isinstance(value, (int, float, bool)) else str(value)
            for key, value in record.items()
            if key not in _KEYS and value is not None
        }
        yield draft.read(
            feeling=optional_text(record, "description", where),
            scenario=optional_text(record, "scene", where),
            language="en",
            facts=facts,
        )


def _item(draft: Draft, item: Mapping[str, Any], position: str) -> None:
    """Add the turns of an item in the order of its keys.

    Raises CocoonError if the item has no turn.
    """
    fields = {str(key).strip().lower(): value for key, value in item.items()}
    strategy = _first(fields, _STRATEGY)
    has_turn = False
    for key, value in fields.items():
        if key in _USER:
            draft.say("user", value, position)
        elif key in _SUPPORTER:
            _reply(draft, value, strategy, position)
        else:
            continue
        has_turn = True
    if not has_turn:
        raise CocoonError(
            f"{draft.where}: {position}: has no key 'User' and no key 'AI'; its keys: {', '.join(fields) or 'none'}"
        )


def _reply(draft: Draft, value: Any, strategy: Any, position: str) -> None:
    if isinstance(value, dict):
        fields = {str(key).strip().lower(): content for key, content in value.items()}
        value, strategy = _first(fields, _SUPPORTER), _first(fields, _STRATEGY) or strategy
    thought = Thought(strategy=strategy.strip()) if isinstance(strategy, str) and strategy.strip() else None
    draft.say("supporter", value, position, thought)


def _first(item: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if key in item), None)


def load_extes_profiles(path: Path) -> Iterator[tuple[str, Profile, list[RepairNote]]]:
    """Yield (where, profile, no repairs) for every record.

    The record states only a scene and a description, so the profile has no need.
    """
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        description = optional_text(record, "description", where)
        if not description:
            raise CocoonError(f"{where}: key 'description' is missing or empty")
        yield (
            where,
            Profile(
                id=an_id(CORPUS, record.get("id"), number),
                language=language_by_script(description),
                scenario=optional_text(record, "scene", where),
                feeling=description,
                source=CORPUS.source,
                licence=CORPUS.licence,
            ),
            [],
        )
