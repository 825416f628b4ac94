"""Look at a file and say what it is, so that it is read by its own layout or its user is told how to read it."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from cocoon.core.errors import CocoonError
from cocoon.corpora.layouts import LAYOUTS
from cocoon.corpora.loaders.messages.conversation import has_conversation
from cocoon.corpora.loaders.tables.mapped import mapping_advice, names_a_dialogue
from cocoon.corpora.reading.foreign_values import each_value, table_suffix

_LOOKED_AT = 20
# The surest signs come first. A form with turns under a common key is the last, since most corpora have such a key too.
_ORDER = (
    "jsonl", "inspect", "tau2", "langfuse", "kto", "dpo", "annomi", "empatheticdialogues", "hope", "sharegpt",
    "patienthub", "messages", "cocoon", "esconv", "esdcot", "sage", "cactus", "extes", "smile", "cpsycoune",
    "cpsycound", "psyqa", "emollm", "dailydialog", "psych8k", "alpaca", "turns",
)  # fmt: skip
_RUN_FILE = "dialogues.jsonl"
_INNER_LISTS = ("simulations", "samples", "traces", "data")


class Identified(NamedTuple):
    """What a file was taken for: the name of its layout, None for a table that needs a map, and what it is in words."""

    layout: str | None
    about: str
    file: Path


def identify(path: Path) -> Identified:
    """Return what a file is, by its first records. Raises CocoonError for a file in which nothing can be read."""
    if path.is_dir():
        if not (path / _RUN_FILE).exists():
            raise CocoonError(f"{path}: is a folder; give a file, a run, or the name of the corpus whose folder it is")
        path = path / _RUN_FILE
    first = [value for _, value in islice(each_value(path), _LOOKED_AT)]
    records = [record for value in first for record in _records_in(value)]
    for name in _ORDER:
        layout = LAYOUTS[name]
        if name == "turns" and _needs_a_map(path, records):
            break
        if any(layout.shows(record) for record in records):
            return Identified(name, f"this is {_article(layout.corpus.source)}{layout.corpus.source}", path)
    if _needs_a_map(path, records):
        return Identified(None, f"is a table with the columns {', '.join(map(str, records[0]))}", path)
    unreadable = next((value for value in first if isinstance(value, CocoonError)), None)
    if unreadable is not None:
        raise unreadable
    keys = ", ".join(map(str, list(records[0])[:20])) if records else "none"
    return Identified(None, f"has records with the keys {keys}", path)


def unread_advice(path: Path) -> str:
    """Return what a file is and how to read it, in one sentence for an error."""
    try:
        identified = identify(path)
        if identified.layout is None:
            return f"{path} {identified.about}. Map them: {mapping_advice(identified.file)}"
        command = f"cocoon corpus import {identified.layout} {path} -o dialogues.jsonl"
        return f"{path}: {identified.about}. Read it with `{command}`"
    except CocoonError as error:
        return str(error)


def _needs_a_map(path: Path, records: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether rows may be of several dialogues, so that only their user knows what belongs together."""
    if not records:
        return False
    bare = not has_conversation(records[0]) and "" not in records[0]
    return table_suffix(path) is not None or (bare and names_a_dialogue(records[0]))


def _records_in(value: Any) -> list[Mapping[str, Any]]:
    """Return the records of a value: itself, the first of a list within it, or a list of turns as their own record."""
    if isinstance(value, list):
        return [{"": value}]
    if not isinstance(value, dict):
        return []
    if has_conversation(value):
        return [value]
    inner = next((value[key] for key in _INNER_LISTS if isinstance(value.get(key), list)), [])
    return [*(item for item in inner[:1] if isinstance(item, dict)), value]


def _article(source: str) -> str:
    return f"{'an' if source[:1] in 'AI' else 'a'} " if source.endswith(("file", "log", "file of turns")) else ""
