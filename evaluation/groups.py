"""Ratings in groups that may be compared: each has one supporter, one judge, one language and one set of prompts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cocoon.core.prompts import name_of
from cocoon.core.records import Failure, Rating
from cocoon.evaluation.facts import DialogueFacts
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER

WITH_NEED = "with need"
WITHOUT_NEED = "without need"
NEED_HIDDEN = "need hidden"
"""The kinds of judge prompts: with the need, for a profile that has none, and for one whose need was not shown."""

Value = TypeVar("Value")


@dataclass(frozen=True, order=True)
class GroupKey:
    """What may not be pooled. `prompts` is the kind of judge prompts, with the version where there are several."""

    supporter: str
    judge: str
    language: str
    prompts: str

    @property
    def labels(self) -> list[str]:
        """Return the key as the label columns of a table."""
        return [self.supporter, self.judge, self.language, self.prompts]


KEY_COLUMNS = ["Supporter", "Judge", "Language", "Prompts"]


@dataclass
class Group:
    """Ratings of one key by scale. `lost` maps a scale to the dialogues that could not be rated at all."""

    key: GroupKey
    ratings: dict[str, list[Rating]] = field(default_factory=lambda: defaultdict(list))
    lost: dict[str, list[DialogueFacts]] = field(default_factory=lambda: defaultdict(list))

    def applicable(self, scale: str) -> list[Rating]:
        """Return the ratings of a scale, without those of profiles for which the scale means nothing."""
        return [rating for rating in self.ratings.get(scale, []) if not rating.not_applicable]

    def not_applicable(self, scale: str) -> int:
        """Count the dialogues for which the scale means nothing."""
        return len({rating.dialogue for rating in self.ratings.get(scale, []) if rating.not_applicable})

    def draws(self, scale: str, value: Callable[[list[Rating]], Value | None]) -> dict[str, list[Value | None]]:
        """Return the value of every dialogue on a scale, by profile.

        `value` computes it from the votes on the dialogue and returns None where it is missing.
        """
        votes: dict[tuple[str, str], list[Rating]] = defaultdict(list)
        for rating in self.applicable(scale):
            votes[rating.profile, rating.dialogue].append(rating)
        draws: dict[str, list[Value | None]] = defaultdict(list)
        for (profile, _), dialogue_votes in votes.items():
            draws[profile].append(value(dialogue_votes))
        for dialogue in self.lost.get(scale, []):
            draws[dialogue.profile].append(None)
        return draws

    def by_dialogue(self, scale: str) -> list[list[Rating]]:
        """Return the votes of each rated dialogue, in the order of their first rating."""
        votes: dict[str, list[Rating]] = defaultdict(list)
        for rating in self.applicable(scale):
            votes[rating.dialogue].append(rating)
        return list(votes.values())


Groups = list[Group]


def group_ratings(
    ratings: Iterable[Rating], dialogues: Mapping[str, DialogueFacts], failures: Iterable[Failure] = ()
) -> Groups:
    """Return the groups in the order of their keys. Of a rating that occurs twice, only the later one counts."""
    latest = list({_rating_identity(rating): rating for rating in ratings}.values())
    versions = prompt_versions(latest, dialogues)
    groups: dict[GroupKey, Group] = {}
    for rating in latest:
        key = _group_key(rating, dialogues, versions)
        groups.setdefault(key, Group(key)).ratings[rating.scale].append(rating)
    _add_lost_dialogues(groups, dialogues, {failure.dialogue for failure in failures if failure.stage == "assessment"})
    return [groups[key] for key in sorted(groups)]


Family = tuple[str, str, str, str]
"""Judge, language, with or without need, scale: within a family, prompts should be the same."""


def prompt_versions(
    ratings: Iterable[Rating], dialogues: Mapping[str, DialogueFacts]
) -> dict[Family, Counter[tuple[str, str]]]:
    """Count the ratings under each (prompt id, sha), by family.

    Ratings under two or more versions in one family are not comparable.
    """
    versions: dict[Family, Counter[tuple[str, str]]] = defaultdict(Counter)
    for rating in ratings:
        if not rating.not_applicable:
            versions[_family(rating, dialogues)][rating.prompt_id, rating.prompt_sha] += 1
    return versions


def mean_of_votes(dimension: str) -> Callable[[list[Rating]], float | None]:
    """Return a function for the value of a dialogue on a dimension: the mean of the votes that have a value."""

    def value(votes: list[Rating]) -> float | None:
        known = [score for vote in votes if (score := vote.dimensions.get(dimension)) is not None]
        return sum(known) / len(known) if known else None

    return value


def majority(votes: list[Rating]) -> bool | None:
    """Return what most judges say about success, leaving out votes that could not be read.

    A tie is None, because it decides nothing.
    """
    return _most(vote.verdict.success for vote in votes if vote.verdict)


def majority_taken_up(votes: list[Rating]) -> bool | None:
    """Return like `majority` whether the need was named and the user stood by it."""
    return _most(vote.verdict.taken_up for vote in votes if vote.verdict)


def _most(outcomes: Iterable[bool | None]) -> bool | None:
    known = [outcome for outcome in outcomes if outcome is not None]
    return None if 2 * sum(known) == len(known) else 2 * sum(known) > len(known)


def _rating_identity(rating: Rating) -> tuple[str, str, str, int, str, str]:
    return rating.dialogue, rating.scale, rating.judge, rating.vote, rating.prompt_id, rating.prompt_sha


def _family(rating: Rating, dialogues: Mapping[str, DialogueFacts]) -> Family:
    dialogue = dialogues.get(rating.dialogue)
    # Prompts of `ask: each` are the same with and without a need.
    has_no_need = dialogue is not None and not dialogue.has_need
    kind, name = WITH_NEED, name_of(rating.prompt_id)
    if has_no_need or rating.not_applicable or name.endswith("_no_need"):
        kind = WITHOUT_NEED
    elif name.endswith("_need_hidden"):
        kind = NEED_HIDDEN
    return rating.judge, dialogue.language if dialogue else "unknown", kind, rating.scale


def _group_key(
    rating: Rating,
    dialogues: Mapping[str, DialogueFacts],
    versions: Mapping[Family, Counter[tuple[str, str]]],
) -> GroupKey:
    family = _family(rating, dialogues)
    judge, language, prompts, scale = family
    if not rating.not_applicable and len(versions[family]) > 1:
        prompts = f"{prompts}, {scale} under {rating.prompt_id} {rating.prompt_sha}"
    return GroupKey(rating.supporter, judge, language, prompts)


def _add_lost_dialogues(
    groups: Mapping[GroupKey, Group], dialogues: Mapping[str, DialogueFacts], failed: set[str]
) -> None:
    """Count dialogues whose assessment failed as missing wherever the judge gave them no rating."""
    rated = {
        (rating.dialogue, rating.judge, scale)
        for group in groups.values()
        for scale, ratings in group.ratings.items()
        for rating in ratings
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
    prompts = (WITH_NEED, NEED_HIDDEN) if dialogue.has_need else (WITHOUT_NEED,)
    return (dialogue.supporter, dialogue.language) == (key.supporter, key.language) and key.prompts in prompts
