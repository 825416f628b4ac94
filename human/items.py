"""What each rater is shown and in which order: drawn from the seed alone, balanced over raters and items."""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.agents.users.conditions import Condition, pairs_of, read_conditions
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_records
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.records import Dialogue, Profile
from cocoon.evaluation.scales.comparison_questions import ComparisonQuestions, load_questions
from cocoon.evaluation.scales.scoring import Scale, load_scale
from cocoon.human.study import HumanStudy, Kind
from cocoon.running.folder import dialogues_file, read_run


@dataclass(frozen=True)
class Shown:
    """One item as one rater gets it. `swapped`: what is second in the study's order stands first."""

    item: str
    swapped: bool


@dataclass(frozen=True)
class LikertItem:
    """A dialogue to be rated on scales."""

    id: str
    dialogue: Dialogue
    kind: Kind = "likert"


@dataclass(frozen=True)
class PairItem:
    """Two dialogues of one topic under two conditions."""

    id: str
    conditions: tuple[str, str]
    dialogues: tuple[Dialogue, Dialogue]
    kind: Kind = "pairs"


@dataclass(frozen=True)
class ChatItem:
    """A topic that a rater talks about twice, with the user under each condition. `pair` counts the study's pairs."""

    id: str
    profile: Profile
    conditions: tuple[Condition, Condition]
    pair: int = 0
    kind: Kind = "chats"


Item = LikertItem | PairItem | ChatItem


@dataclass
class Material:
    """All items of a study and who gets which."""

    study: HumanStudy
    items: dict[str, Item] = field(default_factory=dict)
    scales: list[Scale] = field(default_factory=list)
    questions: ComparisonQuestions = field(default_factory=load_questions)

    @classmethod
    def of(cls, study: HumanStudy) -> "Material":
        """Read what a study rates. Raises CocoonError for what is not there."""
        material = cls(study)
        for item in (*_likert(study), *_pairs(study), *_chats(study)):
            if item.id in material.items:
                raise CocoonError(
                    f"{item.id!r} occurs twice in what is to be rated; give every dialogue an id of its own"
                )
            material.items[item.id] = item
        material.scales = [load_scale(name) for name in study.likert.scales] if study.likert else []
        if not material.items:
            raise CocoonError("the study has nothing to rate: no dialogue, pair or profile was found")
        return material

    @property
    def sha(self) -> str:
        """12 hex digits of all that decides what an answer means: raters, seed, parts, dialogues and profiles."""
        design_keys = {"raters", "seed", "likert", "pairs", "chats"}
        path_keys = {"likert": {"dialogues"}, "pairs": {"run"}, "chats": {"profiles"}}
        design = self.study.model_dump(mode="json", include=design_keys, exclude=path_keys)
        parts = [design, [_plain(item) for item in self.items.values()]]
        text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    def assigned(self, rater: str) -> list[Shown]:
        """Return the rater's items in their order: kinds one after the other, chats last.

        The seed decides which item comes when, and what is shown first. Over the raters every item is swapped as often
        as not (by one at most).
        """
        rater_index = self.study.names.index(rater)
        assignments: list[Shown] = []
        for kind, most in self._shares():
            names = [item.id for item in self.items.values() if item.kind == kind]
            own_names = self._share_of_rater(names, rater_index, most)
            random.Random(f"{self.study.seed} {rater} {kind}").shuffle(own_names)
            assignments += [Shown(name, self._swapped(name, rater_index)) for name in own_names]
        return assignments

    def _shares(self) -> list[tuple[Kind, int | None]]:
        study = self.study
        return [
            ("likert", study.likert.per_rater if study.likert else None),
            ("pairs", study.pairs.per_rater if study.pairs else None),
            ("chats", study.chats.per_rater if study.chats else None),
        ]

    def _share_of_rater(self, items: Sequence[str], rater_index: int, most: int | None) -> list[str]:
        """Return the items of one rater: all of them, or a share that goes on where the rater before left off."""
        shuffled = list(items)
        random.Random(f"{self.study.seed} items").shuffle(shuffled)
        if most is None or most >= len(shuffled):
            return shuffled
        start = rater_index * most % len(shuffled)
        return [shuffled[(start + step) % len(shuffled)] for step in range(most)]

    def _swapped(self, item: str, rater_index: int) -> bool:
        raters = list(range(len(self.study.names)))
        random.Random(f"{self.study.seed} {item} order").shuffle(raters)
        first = random.Random(f"{self.study.seed} {item} first").randint(0, 1)
        return bool((raters.index(rater_index) + first) % 2)


def _plain(item: Item) -> object:
    """Return an item as plain JSON."""
    if isinstance(item, ChatItem):
        return [item.id, item.profile.model_dump(mode="json")]
    dialogues = [item.dialogue] if isinstance(item, LikertItem) else item.dialogues
    return [item.id, *(dialogue.model_dump(mode="json") for dialogue in dialogues)]


def _likert(study: HumanStudy) -> Iterator[LikertItem]:
    if study.likert is not None:
        for dialogue in read_records(dialogues_file(Path(study.likert.dialogues)), Dialogue):
            yield LikertItem(f"likert:{dialogue.id}", dialogue)


def _pairs(study: HumanStudy) -> Iterator[PairItem]:
    if study.pairs is None:
        return
    conditions = read_conditions(study.pairs.conditions)
    folder = Path(study.pairs.run) / "conditions"
    if not folder.is_dir():
        raise CocoonError(
            f"pairs.run {study.pairs.run!r} has no folder `conditions`. Name a folder of `cocoon ablate`, or of "
            "`cocoon human export --chats`."
        )
    talks = {
        condition.name: {
            (talk.profile.id, talk.supporter, talk.sample): talk
            for talk in read_run(folder / condition.name, "dialogues.jsonl", Dialogue)
        }
        for condition in conditions
    }
    for first, second in pairs_of(conditions, study.pairs.every_pair):
        if not talks[first] or not talks[second]:
            raise CocoonError(f"{folder}: has no dialogues of {first!r} and {second!r}; make them with `cocoon ablate`")
        for key, talk in talks[first].items():
            if key in talks[second]:
                name = f"pair:{talk.profile.id}:{key[1]}:{key[2]}:{first}:{second}"
                yield PairItem(name, (first, second), (talk, talks[second][key]))


def _chats(study: HumanStudy) -> Iterator[ChatItem]:
    if study.chats is None:
        return
    conditions = {condition.name: condition for condition in read_conditions(study.chats.conditions)}
    pairs = pairs_of(list(conditions.values()), study.chats.every_pair)
    for path in profile_path(study.chats.profiles):
        for profile in read_records(path, Profile):
            for number, (first, second) in enumerate(pairs):
                name = f"chat:{profile.id}:{first}:{second}"
                yield ChatItem(name, profile, (conditions[first], conditions[second]), number)
