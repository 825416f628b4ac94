"""The sides of a comparison: one supporter of one run each, and which of their profiles are the same person."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Language, Profile, Rating

Node = tuple[Language, str]
"""A profile in one language: (language, profile id). An id alone could join people of two languages."""


@dataclass(frozen=True)
class PersonIdentity:
    """What must agree for two profiles of one id to be the same person."""

    feeling: str
    need: str | None
    translation_of: str | None


@dataclass
class Side:
    """A supporter of a run: its profiles, the dialogues of each, and the ratings that apply to them.

    A dialogue without a rating counts as missing, so that a run that is only half judged cannot look complete.
    """

    name: str
    run: str
    supporter: str
    people: dict[Node, PersonIdentity] = field(default_factory=dict)
    dialogues: dict[Node, list[str]] = field(default_factory=lambda: defaultdict(list))
    ratings: list[Rating] = field(default_factory=list)


@dataclass(frozen=True)
class MatchedPerson:
    """One person on both sides.

    A unit is what is compared: a language, or two languages where the sides have none in common.
    """

    units: tuple[tuple[Node, Node], ...]

    @property
    def crosses(self) -> bool:
        """Return whether the two sides speak different languages."""
        return any(first_node[0] != second_node[0] for first_node, second_node in self.units)


@dataclass(frozen=True)
class Pairing:
    """All pairs, in the order of their people, and the profiles of each side that are in no pair."""

    pairs: tuple[MatchedPerson, ...]
    alone_first: frozenset[Node]
    alone_second: frozenset[Node]


def sides_of(run: str, dialogues: Iterable[Dialogue], ratings: Iterable[Rating]) -> list[Side]:
    """Return the sides of a run, in the order of their names. Dialogues are read once and not kept."""
    sides: dict[str, Side] = {}
    side_of_dialogue: dict[str, Side] = {}
    for dialogue in dialogues:
        side = sides.setdefault(dialogue.supporter, Side(dialogue.supporter, run, dialogue.supporter))
        _add_dialogue(side, dialogue)
        side_of_dialogue[dialogue.id] = side
    for rating in ratings:
        if rating.dialogue in side_of_dialogue and not rating.not_applicable:
            side_of_dialogue[rating.dialogue].ratings.append(rating)
    return [sides[name] for name in sorted(sides)]


def _add_dialogue(side: Side, dialogue: Dialogue) -> None:
    node = (dialogue.language, dialogue.profile.id)
    person = _person(dialogue.profile)
    if side.people.setdefault(node, person) != person:
        raise CocoonError(
            f"{side.run}: profile {node[1]!r} belongs to two different people. Give each profile its own id"
        )
    side.dialogues[node].append(dialogue.id)


def _person(profile: Profile) -> PersonIdentity:
    return PersonIdentity(profile.feeling, profile.need, profile.translation_of)


def name_sides(sides: Iterable[Side]) -> None:
    """Give every side a name of its own: the supporter's, with the run before it where that is not enough."""
    all_sides = list(sides)
    names = [side.supporter for side in all_sides]
    for side in all_sides:
        if names.count(side.supporter) > 1:
            side.name = f"{side.run}:{side.supporter}"


def pair_profiles(first: Side, second: Side) -> Pairing:
    """Pair the people of two sides: by id within a language, across languages by `translation_of`.

    Raises CocoonError for an id that is another person on the other side, or that has a need on only one side.
    """
    for node in sorted(first.people.keys() & second.people.keys()):
        _same_person(node, first, second)
    clusters = _clusters([first.people, second.people])
    by_cluster: dict[Node, tuple[list[Node], list[Node]]] = defaultdict(lambda: ([], []))
    for side_index, side in enumerate((first, second)):
        for node in sorted(side.people):
            by_cluster[clusters[node]][side_index].append(node)
    pairs = tuple(MatchedPerson(units) for _, nodes in sorted(by_cluster.items()) if (units := _units(*nodes)))
    for pair in pairs:
        _agree_on_need(pair, first, second)
    used = [{unit[side_index] for pair in pairs for unit in pair.units} for side_index in (0, 1)]
    return Pairing(pairs, frozenset(first.people.keys() - used[0]), frozenset(second.people.keys() - used[1]))


def _same_person(node: Node, first: Side, second: Side) -> None:
    first_person, second_person = first.people[node], second.people[node]
    if first_person.feeling != second_person.feeling or (
        None not in (first_person.need, second_person.need) and first_person.need != second_person.need
    ):
        raise CocoonError(
            f"profile {node[1]!r} is another person in {first.name!r} ({first.run}) than in {second.name!r} "
            f"({second.run}); compare runs made from the same profiles"
        )


def _agree_on_need(pair: MatchedPerson, first: Side, second: Side) -> None:
    for first_node, second_node in pair.units:
        if (first.people[first_node].need is None) != (second.people[second_node].need is None):
            having, lacking = (second, first) if first.people[first_node].need is None else (first, second)
            raise CocoonError(
                f"profile {first_node[1]!r} has a need in {having.name!r} ({having.run}) and none in {lacking.name!r} "
                f"({lacking.run}): ratings that know the need and ratings that do not are never compared"
            )


def _units(first: list[Node], second: list[Node]) -> tuple[tuple[Node, Node], ...]:
    """Return the profiles that both sides have.

    Without any, return one pair in a common language, and without that, one pair across languages.
    """
    if shared := tuple((node, node) for node in first if node in second):
        return shared
    crossed = sorted(
        ((first_node, second_node) for first_node in first for second_node in second),
        key=lambda pair: pair[0][0] != pair[1][0],
    )
    return tuple(crossed[:1])


def _clusters(sides: Iterable[Mapping[Node, PersonIdentity]]) -> dict[Node, Node]:
    """Map every profile to a name for its person, the same name for all translations of the profile."""
    links: dict[Node, set[Node]] = defaultdict(set)
    for people in sides:
        for node, person in people.items():
            links[node].add(node)
            if person.translation_of is not None:
                other_language: Language = "en" if node[0] == "zh" else "zh"
                original = (other_language, person.translation_of)
                links[node].add(original)
                links[original].add(node)
    person_names: dict[Node, Node] = {}
    for node in sorted(links):
        if node not in person_names:
            person_names |= dict.fromkeys(_reachable(node, links), node)
    return person_names


def _reachable(start: Node, links: Mapping[Node, set[Node]]) -> set[Node]:
    reached, waiting = {start}, [start]
    while waiting:
        unvisited = links[waiting.pop()] - reached
        reached |= unvisited
        waiting += unvisited
    return reached
