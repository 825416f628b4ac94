"""Which ratings of two sides may be compared: those of one judge under one prompt.

A difference raises an error that names it. Where different judges are allowed, it becomes a note instead.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cocoon.core.errors import CocoonError
from cocoon.core.records import Language
from cocoon.evaluation.comparison.sides import Node, Pairing, Side

ALLOW = "--allow-different-judges"
Version = tuple[str, str]
"""Prompt id and hash. For a scale, the hash ends in `.` and the hash of the scale's wording and keying."""

Chosen = dict[tuple[str, Language], Version]
"""(scale, language) -> the version whose ratings count."""


@dataclass
class Match:
    """The versions that count on each side, by scale and language, and notes on the differences that were allowed."""

    judges: tuple[str, str]
    first: Chosen = field(default_factory=dict)
    second: Chosen = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def judge_pairs(first: Side, second: Side, allow: bool) -> list[tuple[str, str]]:
    """Return the judges that rated both sides, each paired with itself.

    Two judges that differ are paired only where that is allowed. Raises CocoonError for a side without ratings, or
    without a common judge.
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
    who_judged = f"{first.name!r} was judged by {', '.join(judges[0])} and {second.name!r} by {', '.join(judges[1])}"
    if not allow:
        raise CocoonError(f"{who_judged}: judge both with one judge, or give {ALLOW}")
    if any(len(names) > 1 for names in judges):
        raise CocoonError(f"{who_judged}: name one judge of each with --judge")
    return [(judges[0][0], judges[1][0])]


def match(first: Side, second: Side, judges: tuple[str, str], pairing: Pairing, allow: bool) -> Match:
    """Return the versions that count for every scale and language of the pairs.

    Raises CocoonError where the versions of the two sides differ and that is not allowed.
    """
    matched = Match(judges)
    if judges[0] != judges[1]:
        matched.notes.append(f"Different judges: {first.name} by {judges[0]}, {second.name} by {judges[1]}.")
    first_versions = _versions(first, judges[0], (first_node for pair in pairing.pairs for first_node, _ in pair.units))
    second_versions = _versions(
        second, judges[1], (second_node for pair in pairing.pairs for _, second_node in pair.units)
    )
    language_pairs: list[tuple[Language, Language]] = sorted(
        {(first_node[0], second_node[0]) for pair in pairing.pairs for first_node, second_node in pair.units}
    )
    for scale in sorted({scale for scale, _ in first_versions} & {scale for scale, _ in second_versions}):
        for first_language, second_language in language_pairs:
            if (scale, first_language) in first_versions and (scale, second_language) in second_versions:
                _choose(
                    matched,
                    scale,
                    (first_language, second_language),
                    (first_versions[scale, first_language], second_versions[scale, second_language]),
                    (first, second),
                    allow,
                )
    matched.notes += _one_sided(
        first, second, {scale for scale, _ in first_versions}, {scale for scale, _ in second_versions}
    )
    return matched


def _versions(side: Side, judge: str, nodes: Iterable[Node]) -> dict[tuple[str, Language], set[Version]]:
    language: dict[str, Language] = {name: node[0] for node in nodes for name in side.dialogues[node]}
    versions: dict[tuple[str, Language], set[Version]] = {}
    for rating in side.ratings:
        if rating.judge == judge and rating.dialogue in language:
            key = (rating.scale, language[rating.dialogue])
            versions.setdefault(key, set()).add((rating.prompt_id, rating.prompt_sha))
    return versions


def _choose(
    matched: Match,
    scale: str,
    languages: tuple[Language, Language],
    versions: tuple[set[Version], set[Version]],
    sides: tuple[Side, Side],
    allow: bool,
) -> None:
    first_language, second_language = languages
    first_versions, second_versions = versions
    common = first_versions & second_versions if first_language == second_language else set()
    if len(common) == 1:
        first_versions = second_versions = common
    difference = (
        f"{scale} of {sides[0].name!r} was judged under {_version_names(first_versions)} "
        f"and of {sides[1].name!r} under {_version_names(second_versions)}"
    )
    if len(first_versions) > 1 or len(second_versions) > 1:
        raise CocoonError(f"{difference}: name the prompt to compare under with --prompt HASH")
    (first_version,), (second_version,) = first_versions, second_versions
    if not _comparable(first_version, second_version, same_language=first_language == second_language):
        if not allow:
            raise CocoonError(f"{difference}: judge both under one prompt, or give {ALLOW}")
        matched.notes.append(f"Different prompts: {difference}.")
    matched.first[scale, first_language] = first_version
    matched.second[scale, second_language] = second_version


def _comparable(first_version: Version, second_version: Version, *, same_language: bool) -> bool:
    """Return whether two versions may be compared.

    Across languages a prompt cannot have the same hash, so its id and the scale's part of the hash must agree.
    """
    if same_language:
        return first_version == second_version
    return (
        first_version[0] == second_version[0]
        and first_version[1].partition(".")[2] == second_version[1].partition(".")[2]
    )


def _version_names(versions: set[Version]) -> str:
    return ", ".join(f"{name} {sha}" for name, sha in sorted(versions))


def _one_sided(first: Side, second: Side, first_scales: set[str], second_scales: set[str]) -> list[str]:
    unshared = [(first.name, first_scales - second_scales), (second.name, second_scales - first_scales)]
    return [
        f"Not compared, judged for {name} alone: {', '.join(sorted(scales))}." for name, scales in unshared if scales
    ]


def prompt_lines(chosen: Iterable[Chosen]) -> list[str]:
    """Return `scale (language): prompt id and hash` for everything that counts."""
    return sorted(
        {
            f"{scale} ({language}): {name} {sha}"
            for versions in chosen
            for (scale, language), (name, sha) in versions.items()
        }
    )
