"""Which ratings of two sides may be held against each other: those of one judge under one prompt.

What differs is refused in a line that names it, unless different judges are allowed; then it becomes a note.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cocoon.core.errors import CocoonError
from cocoon.core.records import Language
from cocoon.evaluation.sides import Node, Pairing, Side

ALLOW = "--allow-different-judges"
Version = tuple[str, str]
"""Prompt id and hash; the hash of a scale's rating ends in `.` and that of the scale's wording and keying."""

Chosen = dict[tuple[str, Language], Version]
"""(scale, language) -> the version whose ratings count."""


@dataclass
class Match:
    """What counts on either side, by judge and version, and what was let pass although it differs."""

    judges: tuple[str, str]
    first: Chosen = field(default_factory=dict)
    second: Chosen = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def judge_pairs(first: Side, second: Side, allow: bool) -> list[tuple[str, str]]:
    """The judges that rated both sides, each with itself; two that differ only where that is allowed.

    Raises CocoonError for a side without ratings, or without a common judge.
    """
    judges = [sorted({rating.judge for rating in side.ratings}) for side in (first, second)]
    for side, names in zip((first, second), judges, strict=True):
        if not names:
            raise CocoonError(
                f"{side.name!r} in {side.run} has no ratings to compare; run `cocoon judge {side.run} --judge SPEC`"
            )
    common = [name for name in judges[0] if name in judges[1]]
    if common:
        return [(name, name) for name in common]
    told = f"{first.name!r} was judged by {', '.join(judges[0])} and {second.name!r} by {', '.join(judges[1])}"
    if not allow:
        raise CocoonError(f"{told}: judge both with one judge, or give {ALLOW}")
    if any(len(names) > 1 for names in judges):
        raise CocoonError(f"{told}: name one judge of each with --judge")
    return [(judges[0][0], judges[1][0])]


def match(first: Side, second: Side, judges: tuple[str, str], pairing: Pairing, allow: bool) -> Match:
    """The versions that count for every scale and language of the pairs; CocoonError where they differ."""
    found = Match(judges)
    if judges[0] != judges[1]:
        found.notes.append(f"Different judges: {first.name} by {judges[0]}, {second.name} by {judges[1]}.")
    here = _versions(first, judges[0], (one for pair in pairing.pairs for one, _ in pair.units))
    there = _versions(second, judges[1], (other for pair in pairing.pairs for _, other in pair.units))
    spoken: list[tuple[Language, Language]] = sorted(
        {(one[0], other[0]) for pair in pairing.pairs for one, other in pair.units}
    )
    for scale in sorted({scale for scale, _ in here} & {scale for scale, _ in there}):
        for one, other in spoken:
            if (scale, one) in here and (scale, other) in there:
                _choose(found, scale, (one, other), (here[scale, one], there[scale, other]), (first, second), allow)
    found.notes += _one_sided(first, second, {scale for scale, _ in here}, {scale for scale, _ in there})
    return found


def _versions(side: Side, judge: str, nodes: Iterable[Node]) -> dict[tuple[str, Language], set[Version]]:
    language: dict[str, Language] = {name: node[0] for node in nodes for name in side.dialogues[node]}
    found: dict[tuple[str, Language], set[Version]] = {}
    for rating in side.ratings:
        if rating.judge == judge and rating.dialogue in language:
            key = (rating.scale, language[rating.dialogue])
            found.setdefault(key, set()).add((rating.prompt_id, rating.prompt_sha))
    return found


def _choose(
    found: Match,
    scale: str,
    languages: tuple[Language, Language],
    versions: tuple[set[Version], set[Version]],
    sides: tuple[Side, Side],
    allow: bool,
) -> None:
    one, other = languages
    here, there = versions
    common = here & there if one == other else set()
    if len(common) == 1:
        here = there = common
    told = (
        f"{scale} of {sides[0].name!r} was judged under {_named(here)} and of {sides[1].name!r} under {_named(there)}"
    )
    if len(here) > 1 or len(there) > 1:
        raise CocoonError(f"{told}: name the prompt to compare under with --prompt HASH")
    (mine,), (theirs,) = here, there
    if not _alike(mine, theirs, same_language=one == other):
        if not allow:
            raise CocoonError(f"{told}: judge both under one prompt, or give {ALLOW}")
        found.notes.append(f"Different prompts: {told}.")
    found.first[scale, one] = mine
    found.second[scale, other] = theirs


def _alike(here: Version, there: Version, *, same_language: bool) -> bool:
    """Across languages a prompt cannot have one hash: its id and the scale's part of the hash must agree."""
    if same_language:
        return here == there
    return here[0] == there[0] and here[1].partition(".")[2] == there[1].partition(".")[2]


def _named(versions: set[Version]) -> str:
    return ", ".join(f"{name} {sha}" for name, sha in sorted(versions))


def _one_sided(first: Side, second: Side, here: set[str], there: set[str]) -> list[str]:
    alone = [(first.name, here - there), (second.name, there - here)]
    return [f"Not compared, judged for {name} alone: {', '.join(sorted(some))}." for name, some in alone if some]


def prompt_lines(chosen: Iterable[Chosen]) -> list[str]:
    """`scale (language): prompt id and hash` of everything that counts."""
    return sorted(
        {f"{scale} ({language}): {name} {sha}" for some in chosen for (scale, language), (name, sha) in some.items()}
    )
