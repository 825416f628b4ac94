"""Read HOPE: counselling sessions, one table a session, with the speaker as T or P and a dialogue act."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.layout import Layout, folder_tables, has_columns, rows_of

CORPUS = Corpus("hope", "HOPE, counselling sessions with dialogue acts, en", "HOPE", "by agreement (HOPE)", "none")
ROLES: dict[str, Role] = {"t": "supporter", "therapist": "supporter", "p": "user", "patient": "user"}
# The files name the column of the acts in several ways.
_ACTS = ("Dialogue_Act", "Dialog_Act", "Dialogue Act", "Dilog_Act")


def read_hope(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a session, with the therapist's dialogue acts as strategies."""
    draft.number_by(Path(record.where).stem.removeprefix("Copy of "))
    for row in rows_of(record):
        role = row.role("Type", ROLES)
        act = next((row.text(name) for name in _ACTS if name in row.fields), "")
        draft.say(role, row.get("Utterance"), row.position, thought_of("", act if role == "supporter" else ""))
    yield draft.read(language="en")


LAYOUT = Layout(CORPUS, read_hope, has_columns("Type", "Utterance"), folder_tables)
