"""Check the JSON values of a foreign file, with errors that name the file, the record and the key."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from cocoon.core.errors import CocoonError

# A profile text goes into every prompt of its dialogue. A longer text means a broken file, not a person.
LONGEST_TEXT = 20_000
_SHOWN = 60


def lower_keys(value: Any, where: str, known: Iterable[str]) -> dict[str, Any]:
    """Return an object with its keys in one spelling (`Initial need` and `initial_need` are one key).

    Raises CocoonError for a value that is not an object, for an unknown key (naming the nearest known key), and for a
    key that occurs twice.
    """
    if not isinstance(value, dict):
        raise CocoonError(f"{where}: must be an object with keys, found {shown(value)}")
    names, fields = sorted(known), {}
    for key, content in value.items():
        name = "_".join(key.replace("-", " ").replace("_", " ").lower().split())
        if name not in names:
            raise CocoonError(f"{where}: unknown key {clip(key)!r}{_nearest(name, names)}")
        if name in fields:
            raise CocoonError(f"{where}: key {key!r} occurs twice; remove one of them")
        fields[name] = content
    return fields


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name[:200], known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known keys: {', '.join(known)}"


def text_at(record: Mapping[str, Any], key: str, where: str, *, needed: bool = True) -> str:
    """Return the text under a key, stripped, or "" where it is absent or null and not `needed`.

    Raises CocoonError naming the key when it is missing, empty, not a text, or longer than `LONGEST_TEXT`.
    """
    value = record.get(key)
    if value is None and not needed:
        return ""
    if value is None:
        raise CocoonError(f"{where}: key {key!r} is missing")
    if not isinstance(value, str):
        raise CocoonError(f"{where}: key {key!r}: must be a text, found {shown(value)}")
    if needed and not value.strip():
        raise CocoonError(f"{where}: key {key!r} is empty")
    check_length(value, key, where)
    return value.strip()


def check_length(text: str, key: str, where: str) -> None:
    """Raise CocoonError for a text that is longer than the text of any profile."""
    if len(text) > LONGEST_TEXT:
        raise CocoonError(
            f"{where}: key {key!r}: has {len(text)} characters, a profile's text has at most {LONGEST_TEXT}; shorten it"
        )


def check_texts(value: Any, where: str, key: str = "") -> None:
    """Raise CocoonError for any text within a JSON value that is longer than the text of any profile."""
    if isinstance(value, str):
        check_length(value, key, where)
    elif isinstance(value, dict):
        for name, child in value.items():
            check_texts(child, where, f"{key}.{clip(name)}" if key else clip(name))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            check_texts(child, where, f"{key}.{number}")


def shown(value: Any) -> str:
    """Return a value in the form that an error message shows: short and on one line."""
    return clip(repr(value if not isinstance(value, str) else value[:_SHOWN]))


def clip(text: str) -> str:
    """Return at most 60 characters of a text."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
