"""Settings of several sources put together, weakest first, each with where it came from.

A dotted key may address an element of a list: `supporters.0.temperature`, or `supporters.*.prompt` for all of them.
Such keys are put in last, into the list that the other sources made, wherever that list came from.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from cocoon.core.errors import CocoonError

Tree = dict[str, object]
EVERY = "*"


@dataclass(frozen=True)
class _IntoList:
    """A value for an element of a list. `rank` says how strong its source is."""

    rank: int
    above: str
    index: str
    rest: str
    value: object
    origin: str

    @property
    def key(self) -> str:
        return ".".join(part for part in (self.above, self.index, self.rest) if part)


@dataclass
class Merged:
    """What was given so far. `default` returns the list that a key has where no source gives one."""

    default: Callable[[str], object]
    tree: Tree = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    _ranks: dict[str, int] = field(default_factory=dict)
    _waiting: list[_IntoList] = field(default_factory=list)
    _last: int = 0

    def add(self, values: Mapping[str, object], origin: str) -> None:
        """Add the values of a source, by dotted key. They beat those of the sources before it."""
        self._last += 1
        for key, value in values.items():
            into = self._into_list(key, value, origin)
            if into is None:
                self._put(key, value, origin)
            else:
                self._waiting.append(into)

    def finish(self) -> Tree:
        """Return the settings as a tree. Raises CocoonError for an element that is not there."""
        for into in self._waiting:
            self._put_into(into)
        self._waiting = []
        return self.tree

    def _into_list(self, key: str, value: object, origin: str) -> _IntoList | None:
        parts = key.split(".")
        number = next((place for place, part in enumerate(parts) if place and (part.isdigit() or part == EVERY)), None)
        if number is None:
            return None
        above, rest = ".".join(parts[:number]), ".".join(parts[number + 1 :])
        return _IntoList(self._last, above, parts[number], rest, value, origin)

    def _put(self, key: str, value: object, origin: str) -> None:
        place(self.tree, key, value, origin)
        for below in [name for name in self.origins if name.startswith(f"{key}.")]:
            del self.origins[below]
        self.origins[key], self._ranks[key] = origin, self._last

    def _put_into(self, into: _IntoList) -> None:
        elements = self._elements(into)
        if into.index != EVERY and int(into.index) >= len(elements):
            raise CocoonError(
                f"{into.origin}: there is no {into.above}.{into.index}. "
                f"{into.above} has {len(elements)}, and the first one is {into.above}.0."
            )
        for number in range(len(elements)) if into.index == EVERY else [int(into.index)]:
            key = ".".join(part for part in (into.above, str(number), into.rest) if part)
            if self._is_beaten(into, elements[number], key):
                continue
            if into.rest:
                elements[number] = _with(elements[number], into, key)
            else:
                elements[number] = into.value
            self.origins[key] = into.origin

    def _is_beaten(self, into: _IntoList, element: object, key: str) -> bool:
        """Whether a stronger source gave the list with this value in it."""
        stronger = self._ranks.get(into.above, 0) > into.rank and key not in self.origins
        if not stronger or not _has(element, into.rest):
            return False
        if into.origin.startswith("-o"):
            raise CocoonError(f"{into.origin}: {self.origins[into.above]} gives {key} too. Leave one of them out.")
        return True

    def _elements(self, into: _IntoList) -> list[object]:
        """Return the list to put into, which stands in the tree afterwards."""
        found = find(self.tree, into.above)
        listed = self.default(into.above) if found is None else found
        if not _is_list(listed):
            raise CocoonError(f"{into.origin}: unknown key {into.key!r}; {into.above!r} is no list")
        place(self.tree, into.above, list(listed), into.origin)
        made = find(self.tree, into.above)
        return made if _is_list(made) else []


def place(tree: Tree, key: str, value: object, origin: str) -> None:
    """Put a value into a tree under a dotted key. Raises CocoonError where a part of the key holds no keys."""
    *above, last = key.split(".")
    for part in above:
        below = tree.setdefault(part, {})
        if not _is_tree(below):
            hint = f"; write {part}.0.{last} for its first element" if isinstance(below, list) else ""
            raise CocoonError(f"{origin}: key {key!r}: {part!r} holds no keys{hint}")
        tree = below
    tree[last] = value


def find(tree: object, key: str) -> object:
    """Return the value of a dotted key, None where there is none."""
    for part in key.split("."):
        if not _is_tree(tree):
            return None
        tree = tree.get(part)
    return tree


def dotted(value: object, key: str) -> Iterator[tuple[str, object]]:
    """Yield every value below a key with its own key, the elements of a list by their number."""
    # Prices are named by model, and a model's name contains dots of its own.
    if isinstance(value, dict) and key != "prices":
        children = [(str(name), child) for name, child in value.items()]
    elif isinstance(value, list) and any(isinstance(child, dict) for child in value):
        children = [(str(number), child) for number, child in enumerate(value)]
    else:
        yield key, value
        return
    for name, child in children:
        yield from dotted(child, f"{key}.{name}" if key else name)


def flat(tree: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value below a tree with its dotted key. A list is a value."""
    for key, value in tree.items():
        if isinstance(value, dict) and value and key != "prices":
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _with(element: object, into: _IntoList, key: str) -> Tree:
    if not _is_tree(element):
        raise CocoonError(f"{into.origin}: unknown key {key!r}; {into.above}.{into.index} holds no keys")
    copy = dict(element)
    place(copy, into.rest, into.value, into.origin)
    return copy


def _has(element: object, rest: str) -> bool:
    return not rest or find(element, rest) is not None


def _is_tree(value: object) -> TypeGuard[Tree]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)
