"""ExTES: scene, description, content; turns one an item, two an item, or the AI's as an object, keys in any case."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Profile, Thought
from cocoon.corpora.dialogue_draft import (
    Corpus,
    Draft,
    Fact,
    Read,
    a_list,
    an_id,
    an_object,
    optional_text,
)
from cocoon.corpora.foreign_file import language_of
from cocoon.corpora.foreign_text import values
from cocoon.corpora.repair import RepairNote

LICENCE = "none (ExTES ships no licence)"
CORPUS = Corpus("extes", "ExTES, model-written emotional support, en", "ExTES", LICENCE, "none")
_USER, _SUPPORTER = ("user",), ("ai", "response", "assistant")
_STRATEGY = ("ai strategy", "strategy")
_KEYS = ("scene", "description", "content")


def load(path: Path) -> Iterator[Read]:
    """Yield every dialogue; raises CocoonError naming file, record and turn."""
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        draft = Draft(CORPUS, where, an_id(CORPUS, record.get("id"), number))
        for place, item in enumerate(a_list(record.get("content"), where, "key 'content'"), 1):
            _item(draft, an_object(item, where, f"item {place}"), f"item {place}")
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


def _item(draft: Draft, item: Mapping[str, Any], place: str) -> None:
    """The turns of one item in the order of its keys; CocoonError for one that holds none."""
    plain = {str(key).strip().lower(): value for key, value in item.items()}
    strategy = _first(plain, _STRATEGY)
    found = False
    for key, value in plain.items():
        if key in _USER:
            draft.say("user", value, place)
        elif key in _SUPPORTER:
            _reply(draft, value, strategy, place)
        else:
            continue
        found = True
    if not found:
        raise CocoonError(f"{draft.where}: {place}: holds neither 'User' nor 'AI'; keys {', '.join(plain) or 'none'}")


def _reply(draft: Draft, value: Any, strategy: Any, place: str) -> None:
    if isinstance(value, dict):
        inner = {str(key).strip().lower(): one for key, one in value.items()}
        value, strategy = _first(inner, _SUPPORTER), _first(inner, _STRATEGY) or strategy
    thought = Thought(strategy=strategy.strip()) if isinstance(strategy, str) and strategy.strip() else None
    draft.say("supporter", value, place, thought)


def _first(item: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if key in item), None)


def load_profiles(path: Path) -> Iterator[tuple[str, Profile, list[RepairNote]]]:
    """Yield (where, profile, no repairs): scene and description are all that is told; there is no need."""
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        description = optional_text(record, "description", where)
        if not description:
            raise CocoonError(f"{where}: key 'description' is missing or empty")
        yield (
            where,
            Profile(
                id=an_id(CORPUS, record.get("id"), number),
                language=language_of(description),
                scenario=optional_text(record, "scene", where),
                feeling=description,
                source=CORPUS.source,
                licence=CORPUS.licence,
            ),
            [],
        )
