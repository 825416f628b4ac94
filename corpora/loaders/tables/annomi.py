"""Read AnnoMI: motivational interviews as a table, in which several annotators may have labelled one utterance."""

from collections.abc import Iterator
from functools import partial

from cocoon.corpora.loaders.messages.conversation import SPOKEN_ROLES
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, thought_of
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.foreign_values import ROWS
from cocoon.corpora.reading.layout import Layout, grouped_rows, has_columns

CORPUS = Corpus("annomi", "AnnoMI, motivational interviews, en", "AnnoMI", "none stated (AnnoMI)", "none")
_NOT_STATED = ("", "n/a", "nan")


def read_annomi(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a transcript, each utterance once, with what the therapist does as its strategy."""
    seen: set[str] = set()
    topic = ""
    repeated = 0
    for row in record.objects(ROWS, "row"):
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
    behaviour = row.text("main_therapist_behaviour")
    if behaviour in _NOT_STATED:
        return ""
    kind = row.text(f"{behaviour}_subtype") if f"{behaviour}_subtype" in row.fields else ""
    return behaviour if kind in _NOT_STATED else f"{kind} {behaviour}"


LAYOUT = Layout(
    CORPUS,
    read_annomi,
    has_columns("transcript_id", "interlocutor", "utterance_text"),
    partial(grouped_rows, column="transcript_id"),
)
