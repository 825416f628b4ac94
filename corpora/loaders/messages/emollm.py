"""Read EmoLLM: conversations as pairs of input and output, with a system text in the first pair."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord, a_text
from cocoon.corpora.reading.layout import Layout

CORPUS = Corpus("emollm", "EmoLLM, model-written counselling, zh", "EmoLLM", "MIT (repository)", "attribution")
# A speaker's name that slipped into the middle of a reply.
_STRAY = re.compile(r"\n+\s*(?:医生|心理咨询师|咨询师|病人|来访者)\s*[:：]\s*")


def read_emollm(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the conversation of a record."""
    for pair in record.objects("conversation", "pair"):
        draft.keep_system(pair.text("system"), pair.position)
        draft.say("user", pair.get("input"), pair.position)
        draft.say("supporter", _repaired_reply(draft, pair), pair.position)
    yield draft.read(language="zh")


def _shows_emollm(record: Mapping[str, Any]) -> bool:
    pairs = record.get("conversation")
    first = pairs[0] if isinstance(pairs, list) and pairs and isinstance(pairs[0], dict) else {}
    # Other corpora have the same form, so that the system text has to speak of psychology too.
    return "output" in first and "心理" in str(first.get("system"))


LAYOUT = Layout(CORPUS, read_emollm, _shows_emollm)


def _repaired_reply(draft: Draft, pair: ForeignRecord) -> str:
    text = a_text(pair.get("output"), pair.where, pair.position)
    repaired = _STRAY.sub("\n", text)
    if repaired != text:
        draft.note(pair.position, "repaired", "a speaker's name inside the reply was taken out")
    return repaired
