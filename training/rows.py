"""Which dialogues are trained on and which validate: checked, drawn, split by profile; every drop has its reason."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import read_lines, read_records
from cocoon.core.records import Dialogue, Language
from cocoon.core.train_config import DataConfig
from cocoon.training.held_out import HeldOut
from cocoon.training.labels import Encoded, Encoder
from cocoon.training.near_duplicates import near_duplicates

REASONS = {
    "no_supporter_turn": "no turn of the supporter",
    "near_duplicate": "nearly the same as an earlier one",
    "evaluation_profile": "of a profile that is held out for evaluation",
    "not_drawn": "not among those drawn",
    "too_long": "the first supporter turn does not fit",
    "no_turn_boundary": "a reply grows together with its prompt",
}


@dataclass
class Corpus:
    """The dialogues of a training, before a tokenizer has seen them. `dropped`: how many for which reason."""

    files: list[str]
    train: list[Dialogue]
    validation: list[Dialogue]
    read: int
    dropped: Counter[str]
    sources: Counter[tuple[str, str, str]]
    drawn: int | None = None


@dataclass
class Rows:
    """Encoded dialogues of one side. `cut`: dialogues that lost their end, `turns_cut` the supporter turns in it.

    `thinking`: dialogues in which a supporter turn has a thought, whether it is trained or not.
    """

    rows: list[Encoded] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    people: set[str] = field(default_factory=set)
    thinking: int = 0
    cut: int = 0
    turns_cut: int = 0

    @property
    def tokens(self) -> int:
        """All tokens."""
        return sum(len(row.input_ids) for row in self.rows)

    @property
    def trained(self) -> int:
        """Tokens with a label."""
        return sum(row.trained for row in self.rows)

    @property
    def turns(self) -> int:
        """Supporter turns that are trained."""
        return sum(row.turns for row in self.rows)


def read_rows(files: Sequence[str], data: DataConfig, seed: int) -> Corpus:
    """Read, check, draw and split; the same files, settings and seed give the same split.

    Raises CocoonError for no file, a corpus without a supporter turn, and a split that leaves a side empty.
    """
    if not files:
        raise CocoonError("no dialogues: give --dialogues FILE (a dialogues.jsonl; see `cocoon corpus import`)")
    found = [dialogue for name in files for dialogue in read_records(Path(name), Dialogue)]
    dropped: Counter[str] = Counter()
    kept = _kept(found, data, dropped, ", ".join(files))
    kept, drawn = _drawn(kept, data, seed)
    dropped["not_drawn"] = 0 if drawn is None else len(found) - sum(dropped.values()) - len(kept)
    sources = Counter((one.source, one.licence or "own", one.language) for one in kept)
    train, validation = _split(kept, data.validation, seed)
    return Corpus(list(files), train, validation, len(found), +dropped, sources, drawn)


def _kept(found: list[Dialogue], data: DataConfig, dropped: Counter[str], files: str) -> list[Dialogue]:
    speaking = [one for one in found if any(t.role == "supporter" and t.content.strip() for t in one.turns)]
    dropped["no_supporter_turn"] = len(found) - len(speaking)
    if not speaking:
        raise CocoonError(
            f"{files}: none of {len(found)} dialogues has a turn of the supporter, so there is nothing to train on; "
            "check the roles with `cocoon corpus stats`"
        )
    held_out = HeldOut.read(data.held_out)
    clean = [one for one in speaking if one.profile not in held_out]
    dropped["evaluation_profile"] = len(speaking) - len(clean)
    twins = near_duplicates(clean, data.near_duplicate) if data.near_duplicate is not None else {}
    dropped["near_duplicate"] = len(twins)
    kept = [one for place, one in enumerate(clean) if place not in twins]
    if not kept:
        raise CocoonError(f"{files}: every dialogue is of a profile held out for evaluation; give other dialogues")
    return kept


def _drawn(dialogues: list[Dialogue], data: DataConfig, seed: int) -> tuple[list[Dialogue], int | None]:
    """At most as many as wanted, in their order, and that number."""
    sizes = [sum(1 for _ in read_lines(Path(name))) for name in data.no_larger_than]
    wanted = [*([data.sample] if data.sample is not None else []), *([max(sizes)] if sizes else [])]
    if not wanted:
        return dialogues, None
    most = max(1, min(wanted))
    if len(dialogues) <= most:
        return dialogues, most
    places = sorted(random.Random(seed).sample(range(len(dialogues)), most))
    return [dialogues[place] for place in places], most


def _split(dialogues: list[Dialogue], share: float, seed: int) -> tuple[list[Dialogue], list[Dialogue]]:
    """Train and validation without a profile in common."""
    groups: dict[str, list[int]] = {}
    for place, one in enumerate(dialogues):
        groups.setdefault(_person(one), []).append(place)
    if share == 0:
        return dialogues, []
    if len(groups) < 2:
        raise CocoonError(
            f"all {len(dialogues)} dialogues are of one profile ({next(iter(groups))!r}), so none can validate; "
            "give more dialogues, or -o data.validation=0 to train without validation"
        )
    names = sorted(groups)
    random.Random(seed).shuffle(names)
    taken: list[str] = []
    places: set[int] = set()
    while len(taken) < len(names) - 1 and len(places) < max(1, round(share * len(dialogues))):
        taken.append(names[len(taken)])
        places |= set(groups[taken[-1]])
    train = [one for place, one in enumerate(dialogues) if place not in places]
    return train, [dialogues[place] for place in sorted(places)]


def _person(dialogue: Dialogue) -> str:
    return dialogue.profile.translation_of or dialogue.profile.id


def encode_rows(dialogues: Sequence[Dialogue], encoder: Encoder, system_of: Callable[[Language], str]) -> Rows:
    """Encode dialogues under the system text of their language."""
    done = Rows()
    for dialogue in dialogues:
        row = encoder.encode(dialogue, system_of(dialogue.language))
        if not isinstance(row, Encoded):
            done.dropped[row] += 1
            continue
        done.rows.append(row)
        done.people.add(_person(dialogue))
        done.thinking += any(turn.thought for turn in dialogue.turns if turn.role == "supporter")
        done.cut += row.cut > 0
        done.turns_cut += row.cut
    return done
