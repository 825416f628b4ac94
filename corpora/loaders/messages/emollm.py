"""Read EmoLLM: conversations as pairs of input and output, with a system text in the first pair."""

import re
from collections.abc import Iterator
from pathlib import Path

from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, drafts
from cocoon.corpora.reading.foreign_record import ForeignRecord, a_text

CORPUS = Corpus("emollm", "EmoLLM, model-written counselling, zh", "EmoLLM", "MIT (repository)", "attribution")
# A speaker's name that slipped into the middle of a reply.
_STRAY = re.compile(r"\n+\s*(?:医生|心理咨询师|咨询师|病人|来访者)\s*[:：]\s*")


def load_emollm(path: Path) -> Iterator[ReadDialogue]:
    """Yield every conversation.

    Raises CocoonError naming the file, the record and the pair that cannot be read.
    """
    for record, draft in drafts(path, CORPUS):
        for pair in record.objects("conversation", "pair"):
            if system := pair.text("system"):
                draft.facts["system"] = system
                draft.note(pair.position, "relabelled", "a system text became the fact 'system'")
            draft.say("user", pair.get("input"), pair.position)
            draft.say("supporter", _repaired_reply(draft, pair), pair.position)
        yield draft.read(language="zh")


def _repaired_reply(draft: Draft, pair: ForeignRecord) -> str:
    text = a_text(pair.get("output"), pair.where, pair.position)
    repaired = _STRAY.sub("\n", text)
    if repaired != text:
        draft.note(pair.position, "repaired", "a speaker's name inside the reply was taken out")
    return repaired
