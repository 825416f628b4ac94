"""From answers to the records that every table reads: ratings by people, choices by people, the chats they held."""

import csv
import io
import json
from collections.abc import Iterable, Sequence

from cocoon.core.errors import CocoonError
from cocoon.core.records import Dialogue, Rating
from cocoon.evaluation.preference import TIE, Choice
from cocoon.evaluation.scales import Scale, score
from cocoon.evaluation.table_people import HUMAN
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
        found += [_choice(rater, unit, names, answer) for key, answer in some.items() if key not in (DONE, SKIPPED)]
    return found


def _choice(rater: str, unit: str, conditions: Sequence[str], answer: Answer) -> Choice:
    first, second = conditions[::-1] if answer.swapped else conditions
    winner = {"first": first, "second": second, TIE: TIE}[answer.value]
    return Choice(unit=unit, question=answer.key, rater=f"{HUMAN}{rater}", first=first, second=second, winner=winner)


def to_csv(answers: Iterable[Answer]) -> str:
    """All answers as CSV; `value` is JSON, so that an empty answer and none are told apart."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in answers:
        value = json.dumps(one.value, ensure_ascii=False)
        writer.writerow([one.rater, one.item, one.key, value, int(one.swapped), one.consent, one.at])
    return out.getvalue()


def from_csv(text: str, where: str, store: HumanStore, raters: Sequence[str]) -> int:
    """Take answers from CSV in the same columns into a study; how many. CocoonError names the line.

    Nothing is taken unless every line can be read.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    lacking = [name for name in COLUMNS[:4] if rows and name not in rows[0]]
    if not rows or lacking:
        raise CocoonError(f"{where}: lacks {', '.join(lacking) or 'any line'}; columns are {', '.join(COLUMNS)}")
    read = [_row(row, f"{where}, line {number}", raters) for number, row in enumerate(rows, 2)]
    for rater, item, key, value, swapped in read:
        store.answer(rater, item, key, value, swapped)
    return len(read)


def _row(row: dict[str, str], where: str, raters: Sequence[str]) -> tuple[str, str, str, object, bool]:
    if row["rater"] not in raters:
        raise CocoonError(f"{where}: rater {row['rater'][:40]!r} is none of the study's; they are {', '.join(raters)}")
    try:
        value = json.loads(row["value"])
    except ValueError:
        raise CocoonError(f'{where}: value {row["value"][:40]!r} is not JSON; write 3, null or "first"') from None
    return row["rater"], row["item"], row["key"], value, (row.get("swapped") or "0").strip() in ("1", "true", "True")
