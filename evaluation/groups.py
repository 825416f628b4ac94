"""Ratings sorted into groups that may be compared: one supporter, judge, language and set of prompts each."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cocoon.core.records import Failure, Rating
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.success import ATTRIBUTED, PAPER

WITH_NEED = "with need"
WITHOUT_NEED = "without need"

Value = TypeVar("Value")


@dataclass(frozen=True, order=True)
class GroupKey:
    """What may not be pooled. `prompts` names the kind of judge prompts, and the version among several."""

    supporter: str
    judge: str
    language: str
    prompts: str

    @property
    def labels(self) -> list[str]:
        """The key as the label columns of a table."""
        return [self.supporter, self.judge, self.language, self.prompts]


KEY_COLUMNS = ["Supporter", "Judge", "Language", "Prompts"]


@dataclass
class Group:
    """Ratings of one key by scale. `lost` are (scale -> dialogues) whose rating could not be made at all."""

    key: GroupKey
    ratings: dict[str, list[Rating]] = field(default_factory=lambda: defaultdict(list))
    lost: dict[str, list[DialogueFacts]] = field(default_factory=lambda: defaultdict(list))

    def applicable(self, scale: str) -> list[Rating]:
        """Ratings of a scale without those of profiles for which it means nothing."""
        return [rating for rating in self.ratings.get(scale, []) if not rating.not_applicable]

    def not_applicable(self, scale: str) -> int:
        """Dialogues for which the scale means nothing."""
        return len({rating.dialogue for rating in self.ratings.get(scale, []) if rating.not_applicable})

    def draws(self, scale: str, value: Callable[[list[Rating]], Value | None]) -> dict[str, list[Value | None]]:
        """Profile -> one value a dialogue; `value` makes it from the dialogue's votes, none where missing."""
        votes: dict[tuple[str, str], list[Rating]] = defaultdict(list)
        for rating in self.applicable(scale):
            votes[rating.profile, rating.dialogue].append(rating)
        draws: dict[str, list[Value | None]] = defaultdict(list)
        for (profile, _), some in votes.items():
            draws[profile].append(value(some))
        for dialogue in self.lost.get(scale, []):
            draws[dialogue.profile].append(None)
        return draws

    def by_dialogue(self, scale: str) -> list[list[Rating]]:
        """The votes of each rated dialogue, in the order of their first rating."""
        votes: dict[str, list[Rating]] = defaultdict(list)
        for rating in self.applicable(scale):
            votes[rating.dialogue].append(rating)
        return list(votes.values())


Groups = list[Group]


def group_ratings(
    ratings: Iterable[Rating], dialogues: Mapping[str, DialogueFacts], failures: Iterable[Failure] = ()
) -> Groups:
    """Groups in the order of their keys. A rating that stands twice counts once, the later one."""
    single = list({_identity(rating): rating for rating in ratings}.values())
    versions = prompt_versions(single, dialogues)
    groups: dict[GroupKey, Group] = {}
    for rating in single:
        key = _key(rating, dialogues, versions)
        groups.setdefault(key, Group(key)).ratings[rating.scale].append(rating)
    _add_lost(groups, dialogues, {failure.dialogue for failure in failures if failure.stage == "assessment"})
    return [groups[key] for key in sorted(groups)]


Family = tuple[str, str, str, str]
"""Judge, language, with or without need, scale: within it, prompts ought to be the same."""


def prompt_versions(
    ratings: Iterable[Rating], dialogues: Mapping[str, DialogueFacts]
) -> dict[Family, Counter[tuple[str, str]]]:
    """How many ratings each (prompt id, sha) has, by family; two or more in one family are not comparable."""
    versions: dict[Family, Counter[tuple[str, str]]] = defaultdict(Counter)
    for rating in ratings:
        if not rating.not_applicable:
            versions[_family(rating, dialogues)][rating.prompt_id, rating.prompt_sha] += 1
    return versions


def mean_of_votes(dimension: str) -> Callable[[list[Rating]], float | None]:
    """A dialogue's value on a dimension: the mean of the votes that have one."""

    def value(votes: list[Rating]) -> float | None:
        known = [one for vote in votes if (one := vote.dimensions.get(dimension)) is not None]
        return sum(known) / len(known) if known else None

    return value


def majority(votes: list[Rating]) -> bool | None:
    """A dialogue's success: what most readable votes say; none on a tie."""
    verdicts = [vote.verdict.success for vote in votes if vote.verdict and vote.verdict.success is not None]
    found = sum(verdicts)
    return None if 2 * found == len(verdicts) else 2 * found > len(verdicts)


def _identity(rating: Rating) -> tuple[str, str, str, int, str, str]:
    return rating.dialogue, rating.scale, rating.judge, rating.vote, rating.prompt_id, rating.prompt_sha


def _family(rating: Rating, dialogues: Mapping[str, DialogueFacts]) -> Family:
    dialogue = dialogues.get(rating.dialogue)
    # Prompts of `ask: each` are the same with and without a need.
    bare = dialogue is not None and not dialogue.has_need
    without = bare or rating.not_applicable or rating.prompt_id.endswith("_no_need")
    language = dialogue.language if dialogue else "unknown"
    return rating.judge, language, WITHOUT_NEED if without else WITH_NEED, rating.scale


def _key(
    rating: Rating,
    dialogues: Mapping[str, DialogueFacts],
    versions: Mapping[Family, Counter[tuple[str, str]]],
) -> GroupKey:
    family = _family(rating, dialogues)
    judge, language, prompts, scale = family
    if not rating.not_applicable and len(versions[family]) > 1:
        prompts = f"{prompts}, {scale} under {rating.prompt_id} {rating.prompt_sha}"
    return GroupKey(rating.supporter, judge, language, prompts)


def _add_lost(groups: Mapping[GroupKey, Group], dialogues: Mapping[str, DialogueFacts], failed: set[str]) -> None:
    """Enter dialogues whose assessment failed as missing wherever the judge gave them no rating."""
    rated = {
        (one.dialogue, one.judge, scale)
        for group in groups.values()
        for scale, some in group.ratings.items()
        for one in some
    }
    for name in sorted(failed & set(dialogues)):
        dialogue = dialogues[name]
        for group in groups.values():
            if not _belongs(dialogue, group.key):
                continue
            for scale in list(group.ratings):
                success = scale in (PAPER, ATTRIBUTED)
                if (name, group.key.judge, scale) not in rated and (dialogue.has_need or not success):
                    group.lost[scale].append(dialogue)


def _belongs(dialogue: DialogueFacts, key: GroupKey) -> bool:
    prompts = WITH_NEED if dialogue.has_need else WITHOUT_NEED
    return (dialogue.supporter, dialogue.language, prompts) == (key.supporter, key.language, key.prompts)
