"""The journal of a run, held against its own hashes and against what trace, dialogues and ratings name."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from cocoon.models.journal.reader import JournalReader
from cocoon.models.journal.seals import Seal, key_of, seal_of_call, seal_of_utterance
from cocoon.models.journal.store import VERSION, text_sha
from cocoon.running.folder import JOURNAL
from cocoon.running.integrity.records import Verification

LOST = (
    "{number} calls are named by {file} and are not in the journal (such as {key}): it was copied without "
    "journal.sqlite-wal, or that file was cut or removed"
)


@dataclass
class CheckedJournal:
    """What a readable journal holds, as far as the other checks need it.

    `calls` are the keys by dialogue, `changed` the dialogues with a call that is not as it was answered, `replies` the
    texts of replies, and `requests` the hashes of the texts that were sent, by dialogue and key.
    """

    reader: JournalReader
    calls: dict[str, set[str]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    replies: dict[tuple[str, str], str] = field(default_factory=dict)
    requests: dict[tuple[str, str], list[str]] = field(default_factory=dict)


def check_journal(reader: JournalReader, result: Verification) -> CheckedJournal:
    """Hold every call, utterance and text of a journal against its hash."""
    checked = CheckedJournal(reader)
    versions = [value for name, value in reader.rows("about") if name == "schema"]
    if versions != [VERSION]:
        result.add(JOURNAL, f"has schema {versions}, and this program reads {VERSION!r}")
    if (damage := reader.damage()) is not None:
        result.add(JOURNAL, f"the file is damaged ({damage})")
    _check_calls(checked, result)
    _check_rows(reader.rows("utterances"), reader.seals("utterance"), seal_of_utterance, "utterances", result)
    texts = {str(sha) for sha, _ in _whole(reader, result)}
    missing = {sha for shas in checked.requests.values() for sha in shas} - texts
    if missing:
        result.add(JOURNAL, f"{len(missing)} texts of prompts are missing (such as {min(missing)})")
    return checked


def _whole(reader: JournalReader, result: Verification) -> list[tuple[Any, ...]]:
    """Return the texts, and report those that are not the ones that their hashes stand for."""
    rows = list(reader.rows("texts"))
    for sha, text in rows:
        if not isinstance(text, str) or text_sha(text) != sha:
            result.add(JOURNAL, "the text of a prompt is not the one that was sent", f"text {sha}")
    result.count("texts of prompts", len(rows))
    return rows


def _check_calls(checked: CheckedJournal, result: Verification) -> None:
    rows = list(checked.reader.rows("calls"))
    for row in rows:
        dialogue, key = str(row[0]), key_of(row)
        checked.calls.setdefault(dialogue, set()).add(key)
        try:
            reply, request = orjson.loads(row[8]), orjson.loads(row[7])
            checked.replies[dialogue, key] = str(reply["text"])
            checked.requests[dialogue, key] = [str(sha) for _, sha in request]
        except (ValueError, TypeError, KeyError):
            result.add(JOURNAL, "the reply cannot be read", f"dialogue {dialogue!r}, call {key}")
            checked.changed.add(dialogue)
    changed = _check_rows(rows, checked.reader.seals("call"), seal_of_call, "calls", result)
    checked.changed |= {str(row[0]) for row in changed}


def _check_rows(
    rows: Iterable[Sequence[Any]],
    seals: dict[str, Seal],
    seal_of: Callable[[Sequence[Any]], Seal],
    things: str,
    result: Verification,
) -> list[Sequence[Any]]:
    """Hold rows against their seals, and return those that have changed."""
    changed: list[Sequence[Any]] = []
    unsealed, names = 0, set[str]()
    for row in rows:
        now = seal_of(row)
        names.add(now.name)
        before = seals.get(now.name)
        if before is None:
            unsealed += 1
        elif before.sha != now.sha:
            changed.append(row)
            result.add(JOURNAL, "is not as it was answered", f"dialogue {str(row[0])!r}, call {key_of(row)}")
    result.count(things, len(names) - unsealed)
    if unsealed:
        result.unchecked.append(f"{JOURNAL}: {unsealed} {things} have no hash (made before release 0.2)")
    for name in sorted(seals.keys() - names):
        result.add(JOURNAL, f"is missing from the {things}", "dialogue {!r}, {}".format(*_parts(name)))
    return changed


def _parts(name: str) -> tuple[str, str]:
    try:
        dialogue, *key = orjson.loads(name)
    except (ValueError, TypeError):
        return name, "?"
    return str(dialogue), "/".join(map(str, key))


def report_lost(checked: CheckedJournal, file: str, named: Iterable[tuple[str, str]], result: Verification) -> None:
    """Report calls that a file names, as (dialogue, key), and that the journal does not hold."""
    lost = sorted({(dialogue, key) for dialogue, key in named if key not in checked.calls.get(dialogue, ())})
    if lost:
        dialogue, key = lost[0]
        first = f"{key} of dialogue {dialogue!r}"
        result.add(JOURNAL, LOST.format(number=len(lost), file=file, key=first))
