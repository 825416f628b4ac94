"""Read DailyDialog: everyday talk of two nameless speakers, as a text with `__eou__` or as a list of utterances."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.foreign_text import read_text
from cocoon.corpora.reading.foreign_values import each_value
from cocoon.corpora.reading.layout import Layout

CORPUS = Corpus("dailydialog", "DailyDialog, everyday talk, en", "DailyDialog", "CC-BY-NC-SA-4.0", "non_commercial")
_END = "__eou__"
_LISTS = ("dialog", "utterances", "dialogue")


def read_dailydialog(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield a dialogue. Nobody in it seeks help: the first speaker is taken as the user, and a note says so."""
    key = next((name for name in _LISTS if name in record.fields), _LISTS[0])
    for number, utterance in enumerate(record.values(key), 1):
        words = utterance.get("text") if isinstance(utterance, Mapping) else utterance
        draft.say("user" if number % 2 else "supporter", words, f"utterance {number}")
    draft.note(key, "relabelled", "the speakers have no roles; the first speaker is taken as the user")
    yield draft.read(scenario=str(record.get("topic") or ""), language="en")


def _dialogs(path: Path) -> Iterator[tuple[str, Any]]:
    if path.suffix.lower() != ".txt":
        yield from each_value(path)
        return
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            yield f"{path}, line {number}", {"dialog": [part for part in line.split(_END) if part.strip()]}


def _shows_dailydialog(record: Mapping[str, Any]) -> bool:
    return any(isinstance(record.get(key), list) for key in _LISTS) and ("act" in record or "topic" in record)


LAYOUT = Layout(CORPUS, read_dailydialog, _shows_dailydialog, _dialogs)
