"""Read ExTES: scene, description and content, with keys in any case.

An item of the content holds one turn or two turns, and the AI's turn may be an object.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_record import ForeignRecord, an_object
from cocoon.corpora.reading.layout import Layout, has_keys
from cocoon.corpora.reading.repair import ReadProfile

LICENCE = "none (ExTES ships no licence)"
CORPUS = Corpus("extes", "ExTES, model-written emotional support, en", "ExTES", LICENCE, "none")
_USER, _SUPPORTER = ("user",), ("ai", "response", "assistant")
_STRATEGY = ("ai strategy", "strategy")
_KEYS = ("scene", "description", "content")


def read_extes(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record."""
    for item in record.objects("content", "item"):
        _say(draft, item.with_lower_keys())
    draft.facts |= {
        key: value if isinstance(value, (int, float, bool)) else str(value)
        for key, value in record.whole().items()
        if key not in _KEYS and value is not None
    }
    yield draft.read(feeling=record.text("description"), scenario=record.text("scene"), language="en")


LAYOUT = Layout(CORPUS, read_extes, has_keys("scene", "content"))


def _say(draft: Draft, item: ForeignRecord) -> None:
    """Add the turns of an item in the order of its keys.

    Raises CocoonError if the item has no turn.
    """
    strategy = _first(item.fields, _STRATEGY)
    speakers = [key for key in item.fields if key in _USER + _SUPPORTER]
    if not speakers:
        keys = ", ".join(item.fields) or "none"
        raise CocoonError(f"{item.where}: {item.position}: has no key 'User' and no key 'AI'; its keys: {keys}")
    for key in speakers:
        if key in _USER:
            draft.say("user", item.get(key), item.position)
        else:
            _reply(draft, item.get(key), strategy, item.position)


def _reply(draft: Draft, value: Any, strategy: Any, position: str) -> None:
    if isinstance(value, dict):
        fields = an_object(value, draft.where).with_lower_keys().fields
        value, strategy = _first(fields, _SUPPORTER), _first(fields, _STRATEGY) or strategy
    thought = thought_of("", strategy.strip() if isinstance(strategy, str) else "")
    draft.say("supporter", value, position, thought)


def _first(fields: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((fields[key] for key in keys if key in fields), None)


def read_extes_profile(record: ForeignRecord, draft: Draft) -> ReadProfile:
    """Return a profile. The record states only a scene and a description, so the profile has no need."""
    description = record.text("description")
    if not description:
        raise CocoonError(f"{record.where}: key 'description' is missing or empty")
    return ReadProfile(record.where, CORPUS.person(draft.id, description, record.text("scene")))
