"""Turn answers into the records that every table reads: ratings and choices by people, and their chats."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.records import Dialogue, Rating
from cocoon.evaluation.scales.scoring import Scale, score
from cocoon.evaluation.statistics.preference import TIE, Choice
from cocoon.human.answers import check_answer, check_mark
from cocoon.human.items import LikertItem, Material, PairItem
from cocoon.human.store import DONE, SKIPPED, Answer, HumanStore
from cocoon.reports.tables.judging.people import HUMAN

PROMPT = "human"
COLUMNS = ("rater", "item", "key", "value", "swapped", "consent", "at")


def ratings_of(material: Material, answers: Iterable[Answer]) -> list[Rating]:
    """Return one rating per rater, dialogue and scale, for the items that the rater finished."""
    ratings = []
    for (rater, name), item_answers in _finished(answers).items():
        item = material.items.get(name)
        if isinstance(item, LikertItem):
            ratings += [_rating(rater, item.dialogue, scale, item_answers) for scale in material.scales]
    return ratings


def _finished(answers: Iterable[Answer]) -> dict[tuple[str, str], dict[str, Answer]]:
    grouped: dict[tuple[str, str], dict[str, Answer]] = {}
    for answer in answers:
        grouped.setdefault((answer.rater, answer.item), {})[answer.key] = answer
    return {key: by_key for key, by_key in grouped.items() if DONE in by_key and SKIPPED not in by_key}


def _rating(rater: str, dialogue: Dialogue, scale: Scale, answers: dict[str, Answer]) -> Rating:
    scale_answers = {name: answers.get(f"{scale.id}:{name}") for name in scale.item_ids}
    items = {name: answer.value if answer else None for name, answer in scale_answers.items()}
    missing = {
        name: "cannot tell" if scale_answers[name] else "not answered" for name, value in items.items() if value is None
    }
    return Rating(
        **dialogue.head,
        scale=scale.id,
        judge=f"{HUMAN}{rater}",
        prompt_id=PROMPT,
        prompt_sha=f"{PROMPT}.{scale.sha}",
        items=items,
        missing=missing,
        dimensions=score(scale, items),
    )


def people_choices(material: Material, answers: Iterable[Answer]) -> list[Choice]:
    """Return every answer to a comparison, both of pairs that were read and of the rater's own chats."""
    choices = []
    for (rater, name), item_answers in _finished(answers).items():
        item = material.items.get(name)
        if item is None or isinstance(item, LikertItem):
            continue
        is_pair = isinstance(item, PairItem)
        names = item.conditions if is_pair else tuple(condition.name for condition in item.conditions)
        unit = item.dialogues[0].profile.id if is_pair else item.profile.id
        choices += [
            _choice(rater, unit, names, answer, own=not is_pair)
            for key, answer in item_answers.items()
            if key not in (DONE, SKIPPED)
        ]
    return choices


def _choice(rater: str, unit: str, conditions: Sequence[str], answer: Answer, own: bool) -> Choice:
    first, second = conditions[::-1] if answer.swapped else conditions
    winner = {"first": first, "second": second, TIE: TIE}[answer.value]
    return Choice(
        unit=unit, question=answer.key, rater=f"{HUMAN}{rater}", first=first, second=second, winner=winner, own=own
    )


def to_csv(answers: Iterable[Answer]) -> str:
    """Return all answers as CSV.

    `value` is JSON, so that an empty answer and a missing one differ.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for answer in answers:
        value = json.dumps(answer.value, ensure_ascii=False)
        writer.writerow([answer.rater, answer.item, answer.key, value, int(answer.swapped), answer.consent, answer.at])
    return out.getvalue()


def take_csv(file: Path, store: HumanStore, material: Material) -> int:
    """Take the answers of a CSV file into a study and return their number. See `from_csv`."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CocoonError(f"{file}: cannot be read as UTF-8 text ({type(error).__name__})") from None
    return from_csv(text, str(file), store, material)


def from_csv(text: str, where: str, store: HumanStore, material: Material) -> int:
    """Take answers from CSV in the same columns into a study and return their number.

    Nothing is taken unless every line is an answer of a rater who has not withdrawn, and no line changes an existing
    answer. Raises CocoonError naming the line at fault.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    missing = [name for name in COLUMNS[:4] if rows and name not in rows[0]]
    if not rows or missing:
        raise CocoonError(
            f"{where}: is missing {', '.join(missing) or 'any line'}; the columns are {', '.join(COLUMNS)}"
        )
    answers = []
    for number, row in enumerate(rows, 2):
        try:
            answer = _row({name: row.get(name) or "" for name in COLUMNS}, material)
        except CocoonError as error:
            raise CocoonError(f"{where}, line {number}: {error}; nothing was taken") from None
        answers.append((f"{where}, line {number}", answer))
    return take_all(answers, store)


def take_all(answers: Sequence[tuple[str, Answer]], store: HumanStore) -> int:
    """Keep all answers, or none of them. Each comes with the line or row where it was read.

    Refused are answers of raters who withdrew, and those that would change another answer. Raises CocoonError naming
    the line or row at fault.
    """
    stored = {(answer.rater, answer.item, answer.key): answer.value for answer in store.every_answer()}
    for where, answer in answers:
        if store.withdrawn(answer.rater):
            raise CocoonError(f"{where}: rater {answer.rater!r} has withdrawn; nothing was taken")
        if stored.get((answer.rater, answer.item, answer.key), answer.value) != answer.value:
            raise CocoonError(
                f"{where}: another answer to {answer.key!r} of {answer.item!r} already exists; nothing was taken"
            )
    store.take([answer for _, answer in answers])
    return len(answers)


def _row(row: Mapping[str, str], material: Material) -> Answer:
    names = material.study.names
    if row["rater"] not in names:
        raise CocoonError(f"rater {row['rater'][:40]!r} is not in the study; its raters are {', '.join(names)}")
    item, key = material.items.get(row["item"]), row["key"]
    if item is None:
        raise CocoonError(f"item {row['item'][:80]!r} is not in the study")
    try:
        value = json.loads(row["value"])
        at = float(row["at"] or 0)
    except ValueError:
        raise CocoonError(f'value {row["value"][:40]!r} is not JSON; write 3, null or "first"') from None
    check_mark(key, value) if key in (DONE, SKIPPED) else check_answer(material, item, key, value)
    return Answer(row["rater"], item.id, key, value, row["swapped"] in ("1", "true", "True"), row["consent"], at)


def write_chats(store: HumanStore, out: Path) -> list[Path]:
    """Write every chat that has a rater's words, one file of dialogues per condition, and return the files.

    The supporter of a chat is the rater's pseudonym. The folder is laid out like that of an ablation, so that others
    can compare the chats and judges can rate them. Raises CocoonError where nobody has talked.
    """
    chats: dict[str, list[str]] = {}
    for talk in store.every_talk():
        if store.said(talk.rater, talk.chat):
            chats.setdefault(talk.condition, []).append(talk.dialogue)
    if not chats:
        raise CocoonError("nobody has talked yet: there are no chats to export")
    files = []
    for condition, lines in chats.items():
        file = out / "conditions" / condition / "dialogues.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, (f"{line}\n".encode() for line in lines))
        files.append(file)
    return files
