"""From answers to the records that every table reads: ratings by people, choices by people, the chats they held."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Dialogue, Rating
from cocoon.evaluation.preference import TIE, Choice
from cocoon.evaluation.scales import Scale, score
from cocoon.evaluation.table_people import HUMAN
from cocoon.viewer.human_answers import check, check_mark
from cocoon.viewer.human_items import LikertItem, Material, PairItem
from cocoon.viewer.human_store import DONE, SKIPPED, Answer, HumanStore

PROMPT = "human"
COLUMNS = ("rater", "item", "key", "value", "swapped", "consent", "at")


def ratings_of(material: Material, answers: Iterable[Answer]) -> list[Rating]:
    """One rating a rater, dialogue and scale, of items that the rater was done with."""
    found = []
    for (rater, name), some in _finished(answers).items():
        item = material.items.get(name)
        if isinstance(item, LikertItem):
            found += [_rating(rater, item.dialogue, scale, some) for scale in material.scales]
    return found


def _finished(answers: Iterable[Answer]) -> dict[tuple[str, str], dict[str, Answer]]:
    grouped: dict[tuple[str, str], dict[str, Answer]] = {}
    for answer in answers:
        grouped.setdefault((answer.rater, answer.item), {})[answer.key] = answer
    return {key: some for key, some in grouped.items() if DONE in some and SKIPPED not in some}


def _rating(rater: str, dialogue: Dialogue, scale: Scale, answers: dict[str, Answer]) -> Rating:
    given = {name: answers.get(f"{scale.id}:{name}") for name in scale.item_ids}
    items = {name: answer.value if answer else None for name, answer in given.items()}
    missing = {name: "cannot tell" if given[name] else "not answered" for name, value in items.items() if value is None}
    return Rating(
        dialogue=dialogue.id,
        profile=dialogue.profile.id,
        supporter=dialogue.supporter,
        sample=dialogue.sample,
        scale=scale.id,
        judge=f"{HUMAN}{rater}",
        prompt_id=PROMPT,
        prompt_sha=f"{PROMPT}.{scale.sha}",
        items=items,
        missing=missing,
        dimensions=score(scale, items),
    )


def choices_of(material: Material, answers: Iterable[Answer]) -> list[Choice]:
    """Every answer to a comparison, of pairs shown and of own chats."""
    found = []
    for (rater, name), some in _finished(answers).items():
        item = material.items.get(name)
        if item is None or isinstance(item, LikertItem):
            continue
        pair = isinstance(item, PairItem)
        names = item.conditions if pair else tuple(one.name for one in item.conditions)
        unit = item.dialogues[0].profile.id if pair else item.profile.id
        found += [
            _choice(rater, unit, names, answer, own=not pair)
            for key, answer in some.items()
            if key not in (DONE, SKIPPED)
        ]
    return found


def _choice(rater: str, unit: str, conditions: Sequence[str], answer: Answer, own: bool) -> Choice:
    first, second = conditions[::-1] if answer.swapped else conditions
    winner = {"first": first, "second": second, TIE: TIE}[answer.value]
    return Choice(
        unit=unit, question=answer.key, rater=f"{HUMAN}{rater}", first=first, second=second, winner=winner, own=own
    )


def to_csv(answers: Iterable[Answer]) -> str:
    """All answers as CSV; `value` is JSON, so that an empty answer and none are told apart."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in answers:
        value = json.dumps(one.value, ensure_ascii=False)
        writer.writerow([one.rater, one.item, one.key, value, int(one.swapped), one.consent, one.at])
    return out.getvalue()


def from_csv(text: str, where: str, store: HumanStore, material: Material) -> int:
    """Take answers from CSV in the same columns into a study; how many. CocoonError names the line.

    Nothing is taken unless every line is an answer of a rater who has not withdrawn, and none would change another
    answer that is there.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    lacking = [name for name in COLUMNS[:4] if rows and name not in rows[0]]
    if not rows or lacking:
        raise CocoonError(f"{where}: lacks {', '.join(lacking) or 'any line'}; columns are {', '.join(COLUMNS)}")
    read = []
    for number, row in enumerate(rows, 2):
        try:
            made = _row({name: row.get(name) or "" for name in COLUMNS}, material)
        except CocoonError as error:
            raise CocoonError(f"{where}, line {number}: {error}; nothing was taken") from None
        read.append((f"{where}, line {number}", made))
    return take_all(read, store)


def take_all(answers: Sequence[tuple[str, Answer]], store: HumanStore) -> int:
    """Keep answers, each with the place where it was read, or none of them; CocoonError names the place.

    Refused are answers of raters who withdrew, and those that would change another answer.
    """
    kept = {(one.rater, one.item, one.key): one.value for one in store.every_answer()}
    for where, one in answers:
        if store.withdrawn(one.rater):
            raise CocoonError(f"{where}: rater {one.rater!r} has withdrawn; nothing was taken")
        if kept.get((one.rater, one.item, one.key), one.value) != one.value:
            raise CocoonError(f"{where}: another answer to {one.key!r} of {one.item!r} is there; nothing was taken")
    store.take([one for _, one in answers])
    return len(answers)


def _row(row: Mapping[str, str], material: Material) -> Answer:
    names = material.study.names
    if row["rater"] not in names:
        raise CocoonError(f"rater {row['rater'][:40]!r} is none of the study's; they are {', '.join(names)}")
    item, key = material.items.get(row["item"]), row["key"]
    if item is None:
        raise CocoonError(f"item {row['item'][:80]!r} is none of the study's")
    try:
        value = json.loads(row["value"])
        at = float(row["at"] or 0)
    except ValueError:
        raise CocoonError(f'value {row["value"][:40]!r} is not JSON; write 3, null or "first"') from None
    check_mark(key, value) if key in (DONE, SKIPPED) else check(material, item, key, value)
    return Answer(row["rater"], item.id, key, value, row["swapped"] in ("1", "true", "True"), row["consent"], at)


def write_chats(store: HumanStore, out: Path) -> list[Path]:
    """Every chat with a rater's words in it, a file of dialogues a condition; the supporter is the rater's pseudonym.

    The folder is laid out as that of an ablation, so that others can compare the chats and a run can be judged from
    them. CocoonError where nobody has talked.
    """
    spoken: dict[str, list[str]] = {}
    for talk in store.every_talk():
        if store.said(talk.rater, talk.chat):
            spoken.setdefault(talk.condition, []).append(talk.dialogue)
    if not spoken:
        raise CocoonError("nobody has talked yet: there are no chats to export")
    written = []
    for condition, lines in spoken.items():
        file = out / "conditions" / condition / "dialogues.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, (f"{line}\n".encode() for line in lines))
        written.append(file)
    return written
