"""Read AnnoMI: motivational interviews as a table, in which several annotators may have labelled one utterance."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from cocoon.core.errors import CocoonError
from cocoon.corpora.loaders.messages.conversation import SPOKEN_ROLES
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.foreign_values import ROWS
from cocoon.corpora.reading.layout import Layout, grouped_rows, has_columns, rows_of

CORPUS = Corpus("annomi", "AnnoMI, motivational interviews, en", "AnnoMI", "none stated (public, to be cited)", "none")
_NEEDED = ("transcript_id", "utterance_id", "interlocutor", "utterance_text")
_NOT_STATED = ("", "n/a", "nan")


def read_annomi(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a transcript, each utterance once, with what the therapist does as its strategy."""
    seen: set[str] = set()
    topic = ""
    repeated = 0
    for line in rows_of(record):
        lacking = next((column for column in _NEEDED if column not in line.fields), None)
        if lacking is not None:
            raise CocoonError(f"{line.where}: has no column {lacking!r}, so it is not AnnoMI; check the file")
        row = replace(line, position=f"utterance {line.text('utterance_id')}")
        draft.number_by(row.text("transcript_id"))
        topic = row.text("topic")
        draft.facts["mi_quality"] = row.text("mi_quality") or None
        role, words, strategy = row.role("interlocutor", SPOKEN_ROLES), row.get("utterance_text"), _strategy(row)
        if row.text("utterance_id") in seen:
            repeated += 1
            continue
        seen.add(row.text("utterance_id"))
        draft.say(role, words, row.position, thought_of("", strategy))
    if repeated:
        draft.note(ROWS, "merged", f"{repeated} rows repeat an utterance for another annotator; the first is taken")
    yield draft.read(scenario=topic, language="en")


def _strategy(row: ForeignRecord) -> str:
    """Return the main behaviour with its kind, as in `question: open`."""
    behaviour = _label(row, "main_therapist_behaviour")
    return ": ".join(filter(None, (behaviour, _label(row, f"{behaviour}_subtype"))))


def _label(row: ForeignRecord, column: str) -> str:
    label = row.text(column)
    return "" if label in _NOT_STATED else label


LAYOUT = Layout(
    CORPUS,
    read_annomi,
    has_columns("transcript_id", "interlocutor", "utterance_text"),
    partial(grouped_rows, column="transcript_id"),
)
