"""Which keys of a foreign file were read: JSON objects that remember what was asked of them, and their ledger."""

from collections import Counter
from typing import Any

MOST_NAMES = 1_000
OTHERS = "(others)"
_LONGEST_NAME = 200


def count_name(counts: Counter[str], name: str, number: int = 1) -> None:
    """Count a name from a file. After 1,000 different names all new ones are counted as `(others)`."""
    short = name[:_LONGEST_NAME]
    counts[short if short in counts or len(counts) < MOST_NAMES else OTHERS] += number


class KeyLedger:
    """Counts the keys of all objects of a file, and how many of them were read.

    A key of an object within an object is named with a dot (`messages.role`), whichever element of a list it is in.
    """

    def __init__(self) -> None:
        self._present: Counter[str] = Counter()
        self._read: Counter[str] = Counter()

    def track(self, value: Any, path: str = "") -> Any:
        """Return a JSON value whose objects remember what is read of them."""
        if isinstance(value, TrackedFields):
            return value
        if isinstance(value, dict):
            return TrackedFields(value, self, path)
        return [self.track(element, path) for element in value] if isinstance(value, list) else value

    def add(self, names: "list[str]") -> None:
        """Count the keys of an object."""
        if len(self._present) + len(names) <= MOST_NAMES:
            self._present.update(names)
        else:
            for name in names:
                count_name(self._present, name)

    def read(self, name: str) -> None:
        """Count a key as read."""
        self._read[name if name in self._present else OTHERS] += 1

    @property
    def unread(self) -> dict[str, int]:
        """Return how often each key was there and was not read, the most frequent first."""
        rest = self._present - self._read
        return dict(sorted(rest.items(), key=lambda item: (-item[1], item[0])))


class TrackedFields(dict[str, Any]):
    """A JSON object that tells a ledger which of its keys were read. To ask whether a key is there reads nothing.

    The objects within it are tracked from the moment that they are read.
    """

    def __init__(
        self, fields: dict[str, Any], ledger: KeyLedger, path: str, names: dict[str, str] | None = None
    ) -> None:
        super().__init__(fields)
        self._ledger = ledger
        # An empty key holds rows of a table, which have no name in the file.
        start = f"{path}." if path else ""
        self._names = names or {key: f"{start}{key}"[:_LONGEST_NAME] for key in fields}
        self._unread = {key for key in fields if key}
        if names is None:
            ledger.add([self._names[key] for key in self._unread])

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value under a key, and count the key as read."""
        return self[key] if key in self else default  # noqa: SIM401 (this is `get`)

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if key in self._unread:
            self._unread.discard(key)
            self._ledger.read(self._names[key])
        if isinstance(value, (dict, list)):
            value = self._ledger.track(value, self._names[key])
            super().__setitem__(key, value)
        return value

    def whole(self) -> dict[str, Any]:
        """Return the object as it is in the file, and count all of its keys as read, with all that is in them."""
        for key in self._unread:
            self._ledger.read(self._names[key])
        self._unread.clear()
        return {key: super(TrackedFields, self).__getitem__(key) for key in self}

    def lowered(self) -> "TrackedFields":
        """Return the object with its keys in lower case. What is read of it is read of this object."""
        names = {str(key).strip().lower(): self._names[key] for key in self}
        fields = {str(key).strip().lower(): super(TrackedFields, self).__getitem__(key) for key in self}
        return TrackedFields(fields, self._ledger, "", names)
