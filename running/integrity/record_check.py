"""Dialogues, built records and ratings of a run, each held against its seal and against the journal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import parse_record, read_lines
from cocoon.core.records import Dialogue, Rating, Record, Turn
from cocoon.models.journal.seals import Seal, seal_name
from cocoon.models.reply import split_reply
from cocoon.running.integrity.journal_check import CheckedJournal, report_lost
from cocoon.running.integrity.records import Verification
from cocoon.running.integrity.sealing import call_keys, rating_name, record_sha


@dataclass
class CheckedRecords:
    """The records of one file that could be read: the hash of each as it is now, by id, and dialogues themselves."""

    shas: dict[str, str] = field(default_factory=dict)
    dialogues: dict[str, Dialogue] = field(default_factory=dict)


def check_records(
    file: Path, kind: type[Record], journal: CheckedJournal | None, dropped: set[str], result: Verification
) -> CheckedRecords:
    """Hold every record of a file against its seal. `dropped` are ids that the run has put aside later."""
    checked = CheckedRecords()
    seals = journal.reader.seals("record") if journal else {}
    unsealed = 0
    for number, value in lines_of(file, result):
        where = f"line {number}"
        try:
            record: Any = parse_record(value, kind, f"{file.name}, {where}")
        except CocoonError as error:
            result.add(file.name, str(error).removeprefix(f"{file.name}, {where}: "), where)
            continue
        where = f"{where}, {record.id!r}"
        if record.id in checked.shas:
            result.add(file.name, "this id is there twice", where)
        checked.shas[record.id] = record_sha(record)
        seal = seals.get(seal_name(file.name, record.id))
        unsealed += seal is None
        if isinstance(record, Dialogue):
            checked.dialogues[record.id] = record
        if seal is not None and seal.sha != checked.shas[record.id]:
            result.add(file.name, "was edited after it was made", where)
        elif journal is not None:
            _check_words(record, seal, journal, file.name, where, result)
    _report_missing(file, seals, checked, dropped, result)
    result.count(file.stem, len(checked.shas) - unsealed)
    if unsealed:
        result.unchecked.append(f"{file.name}: {unsealed} records have no hash of their own")
    return checked


def lines_of(file: Path, result: Verification) -> list[tuple[int, Any]]:
    """Return the lines of a file. The first one that cannot be read ends them, and is reported."""
    found: list[tuple[int, Any]] = []
    if file.exists():
        try:
            found.extend(read_lines(file))
        except CocoonError as error:
            place, _, what = str(error).removeprefix(f"{file}").lstrip(", ").partition(": ")
            result.add(file.name, what or place, place if what else "")
    return found


def _report_missing(
    file: Path, seals: Mapping[str, Seal], checked: CheckedRecords, dropped: set[str], result: Verification
) -> None:
    for name in seals:
        of_file, record_id = orjson.loads(name)
        if of_file == file.name and record_id not in checked.shas and record_id not in dropped:
            result.add(file.name, "was made and is not there any more", repr(record_id))


def _check_words(
    record: Any, seal: Seal | None, journal: CheckedJournal, file: str, where: str, result: Verification
) -> None:
    """Hold a record that is as it was sealed, or has no seal, against the calls that it was made of."""
    keys = call_keys(record)
    if record.id in journal.changed or any(key not in journal.calls.get(record.id, ()) for key in keys or []):
        return
    if seal is not None and seal.base:
        if journal.reader.base_of(record.id, keys) != seal.base:
            result.add(file, "the journal has other replies than this was made of", where)
        return
    for number, turn in enumerate(record.turns if isinstance(record, Dialogue) else []):
        if (
            len(turn.calls) == 1
            and turn.draft is None
            and not _is_said(turn, journal.replies.get((record.id, turn.calls[0])))
        ):
            result.add(file, f"turn {number} has other words than its reply in the journal", where)


def _is_said(turn: Turn, reply: str | None) -> bool:
    """Return whether a turn holds what a reply says: its speech, or words of it."""
    if reply is None:
        return True
    words = "".join(turn.content.split())
    return any(words in "".join(text.split()) for text in (reply, split_reply(reply, speaker=turn.role).speech))


def check_ratings(
    file: Path, dialogues: CheckedRecords, journal: CheckedJournal | None, result: Verification
) -> list[Rating]:
    """Hold every rating against its seal, and against the dialogue as it is now."""
    ratings = _read_ratings(file, result)
    seals = journal.reader.seals("rating") if journal else {}
    names = Counter(map(rating_name, ratings))
    stale = Counter[str]()
    for rating in ratings:
        seal = seals.get(rating_name(rating))
        where = f"{rating.scale} of {rating.dialogue!r} by {rating.judge}"
        if rating.dialogue not in dialogues.shas:
            result.add(file.name, "rates a dialogue that is not there", where)
        elif _is_stale(rating, seal, dialogues, journal):
            stale[rating.dialogue] += 1
        if seal is not None and seal.sha != record_sha(rating):
            result.add(file.name, "was edited after it was given", where)
    for dialogue, number in stale.items():
        result.add(
            file.name, f"{number} ratings are stale: they are of other words than the dialogue has now", repr(dialogue)
        )
    for name in sorted(name for name, times in names.items() if times > 1):
        result.add(file.name, "this rating is there twice", name)
    for name in sorted(seals.keys() - names.keys()):
        result.add(file.name, "was given and is not there any more", name)
    unsealed = sum(rating_name(rating) not in seals for rating in ratings)
    result.count("ratings", len(ratings) - unsealed)
    if unsealed:
        result.unchecked.append(f"{file.name}: {unsealed} ratings have no hash of their own")
    return ratings


def _read_ratings(file: Path, result: Verification) -> list[Rating]:
    ratings: list[Rating] = []
    for number, value in lines_of(file, result):
        try:
            ratings.append(parse_record(value, Rating, f"line {number}"))
        except CocoonError as error:
            where, _, what = str(error).partition(": ")
            result.add(file.name, what, where)
    return ratings


def _is_stale(rating: Rating, seal: Seal | None, dialogues: CheckedRecords, journal: CheckedJournal | None) -> bool:
    """Return whether the dialogue has other words now than when it was rated, as far as that can be known."""
    if seal is None:
        return _reads_otherwise(rating, dialogues, journal)
    return seal.base != dialogues.shas[rating.dialogue]


def _reads_otherwise(rating: Rating, dialogues: CheckedRecords, journal: CheckedJournal | None) -> bool:
    """Return whether a judge of ours was sent other words than the dialogue has now. Used where there is no hash."""
    dialogue = dialogues.dialogues.get(rating.dialogue)
    if dialogue is None or journal is None or not rating.prompt_id.startswith("judge/"):
        return False
    sent = [sha for key in rating.calls for sha in journal.requests.get((rating.dialogue, key), [])]
    texts = "".join("".join(text.split()) for text in journal.reader.texts(sent).values())
    return bool(texts) and not all(
        "".join(turn.content.replace("</", "< /").split()) in texts for turn in dialogue.turns
    )


def report_lost_calls(
    file: str, records: Sequence[Dialogue | Rating], journal: CheckedJournal, result: Verification
) -> None:
    """Report the calls that dialogues or ratings name and that the journal does not hold."""
    named: list[tuple[str, str]] = []
    for record in records:
        if isinstance(record, Dialogue):
            named += [(record.id, key) for turn in record.turns for key in turn.calls]
        else:
            named += [(record.dialogue, key) for key in record.calls]
    report_lost(journal, file, named, result)
