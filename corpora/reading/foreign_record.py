"""A JSON object of a foreign file, read key by key, with errors that name the file, the record and the key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.records import Role
from cocoon.corpora.reading.foreign_file import shown
from cocoon.corpora.reading.read_keys import TrackedFields

# A longer turn means a broken file, because no person says so much at once.
LONGEST_TURN = 200_000
_MOST_ROLES = 8


@dataclass(frozen=True)
class ForeignRecord:
    """One JSON object. `where` names its file and record, and `position` says which part of the record it is."""

    fields: dict[str, Any]
    where: str
    position: str = "the record"

    def get(self, key: str) -> Any:
        """Return the value under a key as it is, or None where the key is absent."""
        return self.fields.get(key)

    def text(self, key: str) -> str:
        """Return the text under a key, or an empty text where the key is absent or null."""
        value = self.get(key)
        return "" if value is None else a_text(value, self.where, f"key {key!r}")

    def values(self, key: str) -> list[Any]:
        """Return the list under a key, or raise CocoonError for any other type."""
        return a_list(self.get(key), self.where, f"key {key!r}")

    def object(self, key: str) -> "ForeignRecord":
        """Return the object under a key, or raise CocoonError for any other type."""
        return an_object(self.get(key), self.where, f"key {key!r}")

    def objects(self, key: str, noun: str = "turn") -> Iterator["ForeignRecord"]:
        """Yield the objects of the list under a key, each with its position, such as `turn 3`."""
        return objects(self.values(key), self.where, noun)

    def role(self, key: str, roles: Mapping[str, Role]) -> Role:
        """Return our name of the foreign role under a key, or raise CocoonError naming the known roles."""
        value = self.get(key)
        if isinstance(value, str) and value.strip().lower() in roles:
            return roles[value.strip().lower()]
        known = ", ".join([*roles][:_MOST_ROLES]) + (", ..." if len(roles) > _MOST_ROLES else "")
        raise CocoonError(f"{self.where}: {self.position}: {shown(value)} is not a known role; the roles are {known}")

    def whole(self) -> dict[str, Any]:
        """Return all keys with their values as they are in the file."""
        return self.fields.whole() if isinstance(self.fields, TrackedFields) else self.fields

    def with_lower_keys(self) -> "ForeignRecord":
        """Return the record with its keys in lower case."""
        if isinstance(self.fields, TrackedFields):
            return replace(self, fields=self.fields.lowered())
        return replace(self, fields={str(key).strip().lower(): value for key, value in self.fields.items()})


def an_object(value: Any, where: str, position: str = "the record") -> ForeignRecord:
    """Return a JSON object as a record, or raise CocoonError for any other type."""
    if not isinstance(value, dict):
        raise CocoonError(f"{where}: {position}: must be an object with keys, found {shown(value)}")
    return ForeignRecord(value, where, position)


def objects(items: list[Any], where: str, noun: str = "turn") -> Iterator[ForeignRecord]:
    """Yield the objects of a list, each with its position, such as `turn 3`."""
    return (an_object(item, where, f"{noun} {number}") for number, item in enumerate(items, 1))


def a_list(value: Any, where: str, position: str) -> list[Any]:
    """Return a list as it is, or raise CocoonError for any other type."""
    if not isinstance(value, list):
        raise CocoonError(f"{where}: {position}: must be a list, found {shown(value)}")
    return value


def a_text(value: Any, where: str, position: str) -> str:
    """Return a text without the space around it.

    Raises CocoonError for any other type and for a text that is too long.
    """
    if not isinstance(value, str):
        raise CocoonError(f"{where}: {position}: must be a text, found {shown(value)}")
    if len(value) > LONGEST_TURN:
        raise CocoonError(f"{where}: {position}: has {len(value)} characters, but a turn has at most {LONGEST_TURN}")
    return value.encode("utf-8", "replace").decode("utf-8").strip()


def a_number(value: Any) -> float | None:
    """Return a number, also one written as a text, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < 1e12 else None
