"""The sides of a comparison: one supporter of one run each, and which of their profiles are the same person."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Language, Profile, Rating

Node = tuple[Language, str]
"""A profile in one language: (language, profile id). An id alone would join strangers of two languages."""


@dataclass(frozen=True)
class Person:
    """What must agree for two profiles of one id to be the same person."""

    feeling: str
    need: str | None
    translation_of: str | None


@dataclass
class Side:
    """A supporter of a run: its profiles, the dialogues of each, and the ratings that apply to them.

    A dialogue without a rating counts as missing, so that a run half judged cannot look whole.
    """

    name: str
    run: str
    supporter: str
    people: dict[Node, Person] = field(default_factory=dict)
    dialogues: dict[Node, list[str]] = field(default_factory=lambda: defaultdict(list))
    ratings: list[Rating] = field(default_factory=list)


@dataclass(frozen=True)
class Pair:
    """One person on both sides; a unit is what is held against each other: a language, or two where none is shared."""

    units: tuple[tuple[Node, Node], ...]

    @property
    def crosses(self) -> bool:
        """Whether the two sides speak different languages."""
        return any(one[0] != other[0] for one, other in self.units)


@dataclass(frozen=True)
class Pairing:
    """All pairs, in the order of their people, and the profiles of either side that are in none."""

    pairs: tuple[Pair, ...]
    alone_first: frozenset[Node]
    alone_second: frozenset[Node]


def sides_of(run: str, dialogues: Iterable[Dialogue], ratings: Iterable[Rating]) -> list[Side]:
    """The sides of a run, in the order of their names; dialogues are read once and not kept."""
    sides: dict[str, Side] = {}
    where: dict[str, Side] = {}
    for dialogue in dialogues:
        side = sides.setdefault(dialogue.supporter, Side(dialogue.supporter, run, dialogue.supporter))
        _add(side, dialogue)
        where[dialogue.id] = side
    for rating in ratings:
        if rating.dialogue in where and not rating.not_applicable:
            where[rating.dialogue].ratings.append(rating)
    return [sides[name] for name in sorted(sides)]


def _add(side: Side, dialogue: Dialogue) -> None:
    node = (dialogue.language, dialogue.profile.id)
    person = _person(dialogue.profile)
    if side.people.setdefault(node, person) != person:
        raise CocoonError(f"{side.run}: profile {node[1]!r} is two people; give each profile an id of its own")
    side.dialogues[node].append(dialogue.id)


def _person(profile: Profile) -> Person:
    return Person(profile.feeling, profile.need, profile.translation_of)


def name_sides(sides: Iterable[Side]) -> None:
    """Give every side a name of its own: the supporter's, with its run before it where that is not enough."""
    some = list(sides)
    names = [side.supporter for side in some]
    for side in some:
        if names.count(side.supporter) > 1:
            side.name = f"{side.run}:{side.supporter}"


def pair_profiles(first: Side, second: Side) -> Pairing:
    """Pair the people of two sides: by id within a language, across languages by `translation_of`.

    Raises CocoonError for an id that is another person on the other side, or has a need on one side alone.
    """
    for node in sorted(first.people.keys() & second.people.keys()):
        _same_person(node, first, second)
    clusters = _clusters([first.people, second.people])
    by_cluster: dict[Node, tuple[list[Node], list[Node]]] = defaultdict(lambda: ([], []))
    for place, side in enumerate((first, second)):
        for node in sorted(side.people):
            by_cluster[clusters[node]][place].append(node)
    pairs = tuple(Pair(units) for _, some in sorted(by_cluster.items()) if (units := _units(*some)))
    for pair in pairs:
        _agree_on_need(pair, first, second)
    used = [{unit[place] for pair in pairs for unit in pair.units} for place in (0, 1)]
    return Pairing(pairs, frozenset(first.people.keys() - used[0]), frozenset(second.people.keys() - used[1]))


def _same_person(node: Node, first: Side, second: Side) -> None:
    here, there = first.people[node], second.people[node]
    if here.feeling != there.feeling or (None not in (here.need, there.need) and here.need != there.need):
        raise CocoonError(
            f"profile {node[1]!r} is another person in {first.name!r} ({first.run}) than in {second.name!r} "
            f"({second.run}); compare runs made from the same profiles"
        )


def _agree_on_need(pair: Pair, first: Side, second: Side) -> None:
    for one, other in pair.units:
        if (first.people[one].need is None) != (second.people[other].need is None):
            having, lacking = (second, first) if first.people[one].need is None else (first, second)
            raise CocoonError(
                f"profile {one[1]!r} has a need in {having.name!r} ({having.run}) and none in {lacking.name!r} "
                f"({lacking.run}): ratings that know the need and ratings that do not are never compared"
            )


def _units(first: list[Node], second: list[Node]) -> tuple[tuple[Node, Node], ...]:
    """The profiles that both sides have; else one pair in a common language; else one across languages."""
    if shared := tuple((node, node) for node in first if node in second):
        return shared
    crossed = sorted(((one, other) for one in first for other in second), key=lambda pair: pair[0][0] != pair[1][0])
    return tuple(crossed[:1])


def _clusters(sides: Iterable[Mapping[Node, Person]]) -> dict[Node, Node]:
    """Every profile -> a name for the person it is, one for all its translations."""
    links: dict[Node, set[Node]] = defaultdict(set)
    for people in sides:
        for node, person in people.items():
            links[node].add(node)
            if person.translation_of is not None:
                other: Language = "en" if node[0] == "zh" else "zh"
                original = (other, person.translation_of)
                links[node].add(original)
                links[original].add(node)
    found: dict[Node, Node] = {}
    for node in sorted(links):
        if node not in found:
            found |= dict.fromkeys(_reached(node, links), node)
    return found


def _reached(start: Node, links: Mapping[Node, set[Node]]) -> set[Node]:
    reached, waiting = {start}, [start]
    while waiting:
        new = links[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached
