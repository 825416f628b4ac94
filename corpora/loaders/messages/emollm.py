"""Read EmoLLM: conversations as pairs of input and output, with a system text in the first pair."""

import re
from collections.abc import Iterator
from pathlib import Path

from cocoon.corpora.reading.dialogue_draft import (
    Corpus,
    Draft,
    Fact,
    ReadDialogue,
    a_list,
    a_text,
    an_id,
    an_object,
    optional_text,
)
from cocoon.corpora.reading.foreign_text import values

CORPUS = Corpus("emollm", "EmoLLM, model-written counselling, zh", "EmoLLM", "MIT (repository)", "attribution")
# A speaker's name that slipped into the middle of a reply.
_STRAY = re.compile(r"\n+\s*(?:医生|心理咨询师|咨询师|病人|来访者)\s*[:：]\s*")


def load_emollm(path: Path) -> Iterator[ReadDialogue]:
    """Yield every conversation.

    Raises CocoonError naming the file, the record and the pair that cannot be read.
    """
    for number, (where, value) in enumerate(values(path), 1):
        record = an_object(value, where)
        draft = Draft(CORPUS, where, an_id(CORPUS, record.get("id"), number))
        facts: dict[str, Fact] = {}
        for position, item in enumerate(a_list(record.get("conversation"), where, "key 'conversation'"), 1):
            pair = an_object(item, where, f"pair {position}")
            if system := optional_text(pair, "system", where):
                facts["system"] = system
                draft.note(f"pair {position}", "relabelled", "a system text became the fact 'system'")
            draft.say("user", pair.get("input"), f"pair {position}")
            draft.say("supporter", _repaired_reply(draft, pair.get("output"), f"pair {position}"), f"pair {position}")
        yield draft.read(language="zh", facts=facts)


def _repaired_reply(draft: Draft, output: object, position: str) -> str:
    text = a_text(output, draft.where, position)
    repaired = _STRAY.sub("\n", text)
    if repaired != text:
        draft.note(position, "repaired", "a speaker's name inside the reply was taken out")
    return repaired
