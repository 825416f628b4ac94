"""Read Psych8k: what a client says and a counsellor's answer, with the instruction to the model beside them."""

from collections.abc import Iterator, Mapping
from typing import Any

from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.layout import Layout

CORPUS = Corpus(
    "psych8k",
    "Psych8k, client and counsellor in single exchanges, en",
    "Psych8k",
    "CC-BY-NC-SA-4.0",
    "non_commercial",
    also=("ChatCounselor",),
)
_SIGNS = ("counselor", "counsellor", "therapist")


def read_psych8k(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the exchange of a record. The instruction is no speech, it becomes the fact `system`."""
    draft.keep_system(record.text("instruction"), "key 'instruction'")
    draft.say("user", record.get("input"), "key 'input'")
    draft.say("supporter", record.get("output"), "key 'output'")
    yield draft.read(language="en")


def _shows_psych8k(record: Mapping[str, Any]) -> bool:
    instruction = record.get("instruction")
    told_role = isinstance(instruction, str) and any(sign in instruction.lower() for sign in _SIGNS)
    return told_role and bool(record.get("input")) and "output" in record


LAYOUT = Layout(CORPUS, read_psych8k, _shows_psych8k)
