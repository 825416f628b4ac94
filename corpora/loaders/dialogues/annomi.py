"""Read AnnoMI: one CSV row an utterance, with the labels of experts. An utterance that several experts labelled is one.

AnnoMI-full.csv and AnnoMI-simple.csv have the same columns as far as they are read here (Wu et al. 2022, 2023).
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from cocoon.core.errors import CocoonError
from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.foreign_text import encoding_of

CORPUS = Corpus(
    "annomi",
    "AnnoMI, motivational interviewing with labels of experts, en",
    "AnnoMI",
    "none stated (public, to be cited)",
    "none",
)
ROLES: dict[str, Role] = {"therapist": "supporter", "client": "user"}
_TALK, _UTTERANCE = "transcript_id", "utterance_id"
_NEEDED = (_TALK, _UTTERANCE, "interlocutor", "utterance_text")
_NONE = ("n/a", "")
_SUBTYPES = {
    "question": "question_subtype",
    "reflection": "reflection_subtype",
    "therapist_input": "therapist_input_subtype",
}


def load_annomi(path: Path) -> Iterator[ReadDialogue]:
    """Yield every dialogue. The strategy of a therapist's turn is its main behaviour with its kind (`question: open`).

    Raises CocoonError naming the file, the line and the column that cannot be read.
    """
    with path.open(encoding=encoding_of(path), newline="") as file:
        rows = csv.DictReader(file)
        lacking = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
        if lacking:
            raise CocoonError(
                f"{path}: has no column {lacking[0]!r}, so it is not AnnoMI; check the file or the corpus"
            )
        records = (ForeignRecord(dict(row), f"{path}, line {rows.line_num}") for row in rows)
        try:
            for talk, utterances in groupby(records, lambda record: record.text(_TALK)):
                yield _read(talk, utterances)
        except csv.Error as error:
            raise CocoonError(f"{path}, line {rows.line_num}: is not CSV ({error}); fix this line") from None


def _read(talk: str, utterances: Iterator[ForeignRecord]) -> ReadDialogue:
    first = next(utterances)
    draft = Draft(CORPUS, first.where, CORPUS.id_of(talk, 1))
    spoken: set[str] = set()
    quality: dict[str, None] = {}
    for utterance in (first, *utterances):
        number = utterance.text(_UTTERANCE)
        record = replace(utterance, position=f"utterance {number}")
        quality[_label(record.fields, "mi_quality")] = None
        if number in spoken:
            continue
        spoken.add(number)
        strategy = _strategy(record.fields)
        role = record.role("interlocutor", ROLES)
        draft.say(role, record.get("utterance_text"), record.position, thought_of("", strategy))
    draft.facts = {"mi_quality": ", ".join(filter(None, quality)) or None}
    return draft.read(scenario=_label(first.fields, "topic"), language="en")


def _strategy(fields: Mapping[str, str]) -> str:
    behaviour = _label(fields, "main_therapist_behaviour")
    kind = _label(fields, _SUBTYPES.get(behaviour, ""))
    return ": ".join(filter(None, (behaviour, kind)))


def _label(fields: Mapping[str, str], column: str) -> str:
    label = (fields.get(column) or "").strip()
    return "" if label in _NONE else label
