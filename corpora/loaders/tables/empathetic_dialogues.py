"""Read EmpatheticDialogues: one utterance a row, in which `_comma_` stands for a comma."""

from collections.abc import Iterator
from functools import partial

from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.layout import Layout, grouped_rows, has_columns, rows_of

CORPUS = Corpus(
    "empatheticdialogues",
    "EmpatheticDialogues, crowd-sourced empathetic talk, en",
    "EmpatheticDialogues",
    "CC-BY-NC-4.0",
    "non_commercial",
    also=("ED", "empathetic_dialogues"),
)
_COMMA = "_comma_"


def read_empathetic_dialogue(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield a dialogue. Its first speaker tells of a situation and is the user, the other one listens."""
    emotion = situation = first = ""
    for row in rows_of(record):
        draft.number_by(row.text("conv_id"))
        emotion = row.text("context")
        situation = row.text("prompt").replace(_COMMA, ",")
        speaker = str(row.get("speaker_idx"))
        first = first or speaker
        utterance = row.text("utterance").replace(_COMMA, ",")
        draft.say("user" if speaker == first else "supporter", utterance, row.position)
    yield draft.read(emotion=emotion, feeling=situation, language="en")


LAYOUT = Layout(
    CORPUS,
    read_empathetic_dialogue,
    has_columns("conv_id", "speaker_idx", "utterance"),
    partial(grouped_rows, column="conv_id"),
)
