"""Choose dialogues for training and validation: filter, sample, split by profile, and give a reason for every drop."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_lines, read_records
from cocoon.core.records import Dialogue, Language
from cocoon.training.config import DataConfig, TrainedRole
from cocoon.training.data.held_out import HeldOut
from cocoon.training.data.labels import Encoded, Encoder
from cocoon.training.data.near_duplicates import near_duplicates
from cocoon.training.data.user_rows import user_replies

REASONS = {
    "no_supporter_turn": "no turn of the supporter",
    "near_duplicate": "nearly the same as an earlier one",
    "evaluation_profile": "of a profile that is held out for evaluation",
    "not_drawn": "not among those drawn",
    "no_user_turn": "no turn of the user",
    "too_long": "the first supporter turn, or a reply of the user, does not fit",
    "no_turn_boundary": "a reply grows together with its prompt",
}


@dataclass
class TrainingCorpus:
    """The dialogues of a training, before they are tokenized. `dropped` counts them by reason."""

    files: list[str]
    train: list[Dialogue]
    validation: list[Dialogue]
    read: int
    dropped: Counter[str]
    sources: Counter[tuple[str, str, str]]
    drawn: int | None = None


@dataclass
class Rows:
    """Encoded dialogues of one side. `cut` counts dialogues that lost their end, `turns_cut` the supporter turns in it.

    A dialogue is one row for the supporter, and one for each reply of the user. `dropped` counts dialogues without any
    row, and `left_out` the rows that others of their dialogue were kept without.

    `thinking` counts dialogues in which a supporter turn has a thought, whether it is trained or not.
    """

    rows: list[Encoded] = field(default_factory=list)
    dialogues: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    people: set[str] = field(default_factory=set)
    thinking: int = 0
    cut: int = 0
    turns_cut: int = 0

    @property
    def tokens(self) -> int:
        """Number of all tokens."""
        return sum(len(row.input_ids) for row in self.rows)

    @property
    def trained(self) -> int:
        """Number of tokens with a label."""
        return sum(row.trained for row in self.rows)

    @property
    def turns(self) -> int:
        """Number of replies that are trained."""
        return sum(row.turns for row in self.rows)


def read_rows(files: Sequence[str], data: DataConfig, seed: int) -> TrainingCorpus:
    """Read, filter, sample and split the dialogues. The same files, settings and seed give the same split.

    Raises CocoonError if there is no file or no supporter turn, and if a side of the split would be empty.
    """
    if not files:
        raise CocoonError("no dialogues: give --dialogues FILE (a dialogues.jsonl; see `cocoon corpus import`)")
    dialogues = [dialogue for name in files for dialogue in read_records(Path(name), Dialogue)]
    dropped: Counter[str] = Counter()
    usable = _filtered(dialogues, data, dropped, ", ".join(files))
    usable, limit = _sampled(usable, data, seed)
    dropped["not_drawn"] = 0 if limit is None else len(dialogues) - sum(dropped.values()) - len(usable)
    sources = Counter((dialogue.source, dialogue.licence or "own", dialogue.language) for dialogue in usable)
    train, validation = _split(usable, data.validation, seed)
    return TrainingCorpus(list(files), train, validation, len(dialogues), +dropped, sources, limit)


def _filtered(dialogues: list[Dialogue], data: DataConfig, dropped: Counter[str], files: str) -> list[Dialogue]:
    speaking = [
        dialogue
        for dialogue in dialogues
        if any(turn.role == "supporter" and turn.content.strip() for turn in dialogue.turns)
    ]
    dropped["no_supporter_turn"] = len(dialogues) - len(speaking)
    if not speaking:
        raise CocoonError(
            f"{files}: none of {len(dialogues)} dialogues has a turn of the supporter, so there is nothing to "
            "train on; check the roles with `cocoon corpus stats`"
        )
    held_out = HeldOut.read(data.held_out)
    clean = [dialogue for dialogue in speaking if dialogue.profile not in held_out]
    dropped["evaluation_profile"] = len(speaking) - len(clean)
    twins = near_duplicates(clean, data.near_duplicate) if data.near_duplicate is not None else {}
    dropped["near_duplicate"] = len(twins)
    distinct = [dialogue for index, dialogue in enumerate(clean) if index not in twins]
    if not distinct:
        raise CocoonError(f"{files}: every dialogue is of a profile held out for evaluation; give other dialogues")
    return distinct


def _sampled(dialogues: list[Dialogue], data: DataConfig, seed: int) -> tuple[list[Dialogue], int | None]:
    """Return a sample of at most the requested number, in the original order, and that number (None: no limit)."""
    sizes = [sum(1 for _ in read_lines(Path(name))) for name in data.no_larger_than]
    limits = [*([data.sample] if data.sample is not None else []), *([max(sizes)] if sizes else [])]
    if not limits:
        return dialogues, None
    most = max(1, min(limits))
    if len(dialogues) <= most:
        return dialogues, most
    indices = sorted(random.Random(seed).sample(range(len(dialogues)), most))
    return [dialogues[index] for index in indices], most


def _split(dialogues: list[Dialogue], share: float, seed: int) -> tuple[list[Dialogue], list[Dialogue]]:
    """Split into train and validation without a common profile."""
    groups: dict[str, list[int]] = {}
    for index, dialogue in enumerate(dialogues):
        groups.setdefault(_person(dialogue), []).append(index)
    if share == 0:
        return dialogues, []
    if len(groups) < 2:
        raise CocoonError(
            f"all {len(dialogues)} dialogues are of one profile ({next(iter(groups))!r}), so none can validate; "
            "give more dialogues, or -o data.validation=0 to train without validation"
        )
    names = sorted(groups)
    random.Random(seed).shuffle(names)
    validation_people: list[str] = []
    validation_indices: set[int] = set()
    while len(validation_people) < len(names) - 1 and len(validation_indices) < max(1, round(share * len(dialogues))):
        validation_people.append(names[len(validation_people)])
        validation_indices |= set(groups[validation_people[-1]])
    train = [dialogue for index, dialogue in enumerate(dialogues) if index not in validation_indices]
    return train, [dialogues[index] for index in sorted(validation_indices)]


def _person(dialogue: Dialogue) -> str:
    return dialogue.profile.translation_of or dialogue.profile.id


def encode_rows(
    dialogues: Sequence[Dialogue],
    encoder: Encoder,
    system_of: Callable[[Language], str],
    role: TrainedRole = "supporter",
    folder: Path | None = None,
) -> Rows:
    """Encode dialogues, with the system text of their language where the supporter is trained.

    `folder` has the user's own prompts, under which the user is trained.
    """
    encoded = Rows()
    for dialogue in dialogues:
        rows = [encoder.encode(dialogue, system_of(dialogue.language))] if role != "user" else []
        if role != "supporter":
            rows += [encoder.encode_reply(messages) for messages in user_replies(dialogue, folder)]
        kept = [row for row in rows if isinstance(row, Encoded)]
        reasons = [row for row in rows if not isinstance(row, Encoded)]
        if not kept:
            encoded.dropped[reasons[0] if reasons else "no_user_turn"] += 1
            continue
        encoded.left_out.update(reasons)
        encoded.rows += kept
        encoded.dialogues += 1
        encoded.people.add(_person(dialogue))
        encoded.thinking += any(turn.thought for turn in dialogue.turns if turn.role == "supporter")
        encoded.cut += any(row.cut for row in kept)
        encoded.turns_cut += sum(row.cut for row in kept)
    return encoded
