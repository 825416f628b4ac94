"""ShareGPT files (`{"conversations": [{"from", "value"}]}`): those we exported come back as they were.

An exported row joins neighbours and leaves out what LLaMA-Factory cannot take; the column `cocoon` holds the record
whole. Where the conversation was edited since, it holds and the change is told.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.records import Dialogue, Role
from cocoon.corpora.dialogue_draft import Corpus, Draft, Fact, Read, a_list, an_id, an_object, optional_text, role_of
from cocoon.corpora.export_rows import COLUMN, sharegpt_row
from cocoon.corpora.foreign_text import values
from cocoon.corpora.messages import record_beside

CORPUS = Corpus("sharegpt", "ShareGPT turns (LLaMA-Factory's form)", "ShareGPT file", "not stated", "none")
ROLES: dict[str, Role] = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "model", "supporter"), "supporter"),
}


def load(path: Path) -> Iterator[Read]:
    """Yield every row; raises CocoonError naming file, record and turn."""
    for number, (where, value) in enumerate(values(path), 1):
        row = an_object(value, where)
        if not isinstance(row.get(COLUMN), str):
            yield _conversation(row, Draft(CORPUS, where, an_id(CORPUS, row.get("id"), number)), None)
            continue
        dialogue = record_beside(row, where)
        if _is_unchanged(row, dialogue):
            yield Read(where, dialogue, [])
            continue
        draft = Draft(CORPUS, where, dialogue.id)
        draft.note("conversations", "replaced", "edited after the export: the conversation is taken without the record")
        yield _conversation(row, draft, dialogue)


def _is_unchanged(row: Mapping[str, Any], dialogue: Dialogue) -> bool:
    own = (sharegpt_row(dialogue, thoughts) for thoughts in ("none", "inline"))
    return any(all(row.get(key) == one[key] for key in ("conversations", "system")) for one in own)


def _conversation(row: Mapping[str, Any], draft: Draft, record: Dialogue | None) -> Read:
    facts: dict[str, Fact] = {}
    if system := optional_text(row, "system", draft.where):
        facts["system"] = system
        draft.note("system", "relabelled", "a system text became the fact 'system'")
    for place, item in enumerate(a_list(row.get("conversations"), draft.where, "key 'conversations'"), 1):
        turn = an_object(item, draft.where, f"turn {place}")
        if turn.get("from") == "system":
            told = (facts.get("system"), optional_text(turn, "value", draft.where))
            facts["system"] = "\n".join(str(text) for text in told if text)
            draft.note(f"turn {place}", "relabelled", "a system turn became the fact 'system'")
            continue
        draft.say(role_of(turn.get("from"), ROLES, draft.where, f"turn {place}"), turn.get("value"), f"turn {place}")
    read = draft.read(facts=facts, profile=record.profile if record else None)
    if record is None or read.dialogue is None:
        return read
    kept = {"supporter": record.supporter, "source": record.source, "licence": record.licence}
    return Read(read.where, read.dialogue.model_copy(update=kept), read.notes)
