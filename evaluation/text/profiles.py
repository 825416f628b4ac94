"""Figures of a set of profiles: scenarios, emotions and difficulty by chain length (the paper's Figure 3).

Profiles are read as a stream, and only counts are kept.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

from cocoon.core.records import Profile, Record
from cocoon.evaluation.text.corpora import NameCounter

DescriptionPart = Literal["description", "feeling", "need", "memory"]
UNRATED = "unrated"


class ProfileFigures(Record):
    """Figures of a set of profiles.

    `difficulty` maps a chain's length (steps after its first need) to counts by the difficulty of its last need, 1 to 5
    or `unrated`. Profiles without a chain are not in it. `memories` maps a number of memories to the number of
    profiles.
    """

    profiles: int
    languages: dict[str, int]
    with_need: int
    with_feeling: int
    translations: int
    scenarios: dict[str, int]
    emotions: dict[str, int]
    difficulty: dict[int, dict[str, int]]
    memories: dict[int, int]
    sources: dict[str, int]
    licences: dict[str, int]


def profile_figures(profiles: Iterable[Profile]) -> ProfileFigures:
    """Return the figures of a stream of profiles, which is read once."""
    names = {name: NameCounter() for name in ("languages", "scenarios", "emotions", "sources", "licences")}
    counts: Counter[str] = Counter()
    difficulty: dict[int, Counter[str]] = defaultdict(Counter)
    memories: Counter[int] = Counter()
    for profile in profiles:
        counts.update({"profiles": 1, "need": profile.need is not None, "feeling": bool(profile.feeling.strip())})
        counts["translations"] += profile.translation_of is not None
        if profile.chain:
            difficulty[len(profile.chain) - 1][_difficulty_level(profile)] += 1
        memories[len(profile.memory)] += 1
        _add_names(names, profile)
    return ProfileFigures(
        profiles=counts["profiles"],
        languages=names["languages"].ordered(),
        with_need=counts["need"],
        with_feeling=counts["feeling"],
        translations=counts["translations"],
        scenarios=names["scenarios"].ordered(),
        emotions=names["emotions"].ordered(),
        difficulty={steps: dict(sorted(levels.items())) for steps, levels in sorted(difficulty.items())},
        memories=dict(sorted(memories.items())),
        sources=names["sources"].ordered(),
        licences=names["licences"].ordered(),
    )


def category(scenario: str) -> str:
    """Return the kind of a scenario: the text before its first colon, as in 'study: 25, in the last year of ...'."""
    return scenario.replace("：", ":").partition(":")[0]


def _difficulty_level(profile: Profile) -> str:
    difficulty = profile.chain[-1].difficulty
    return UNRATED if difficulty is None else str(difficulty)


def _add_names(names: Mapping[str, NameCounter], profile: Profile) -> None:
    names["languages"].add(profile.language)
    names["scenarios"].add(category(profile.scenario))
    names["emotions"].add(profile.emotion)
    names["sources"].add(profile.source)
    names["licences"].add(profile.licence or "not told")


def description(profile: Profile, part: DescriptionPart = "description") -> str:
    """Return the text of a profile whose diversity is measured, empty where the profile has none.

    `description` is everything that describes the person: feeling, need and memories. A corpus that gives only a
    situation has it as the feeling.
    """
    memories = [entry.text for entry in profile.memory]
    parts: dict[DescriptionPart, list[str]] = {
        "description": [profile.feeling, profile.need or "", *memories],
        "feeling": [profile.feeling],
        "need": [profile.need or ""],
        "memory": memories,
    }
    return "\n".join(text for text in parts[part] if text.strip())
