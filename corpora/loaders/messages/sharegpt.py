"""Read ShareGPT files (`{"conversations": [{"from", "value"}]}`), restoring those that we exported.

An exported row joins neighbouring turns and leaves out what LLaMA-Factory cannot read. The column `cocoon` holds the
complete record. If the conversation was edited later, the conversation counts and the change is reported.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cocoon.core.records import Dialogue, Role
from cocoon.corpora.export.rows import COLUMN, sharegpt_row
from cocoon.corpora.loaders.messages.messages import record_beside
from cocoon.corpora.reading.dialogue_draft import (
    Corpus,
    Draft,
    Fact,
    ReadDialogue,
    a_list,
    an_id,
    an_object,
    optional_text,
    speaker_role,
)
from cocoon.corpora.reading.foreign_text import values

CORPUS = Corpus("sharegpt", "ShareGPT turns (LLaMA-Factory's form)", "ShareGPT file", "not stated", "none")
ROLES: dict[str, Role] = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "model", "supporter"), "supporter"),
}


def load_sharegpt(path: Path) -> Iterator[ReadDialogue]:
    """Yield every row.

    Raises CocoonError naming the file, the record and the turn that cannot be read.
    """
    for number, (where, value) in enumerate(values(path), 1):
        row = an_object(value, where)
        if not isinstance(row.get(COLUMN), str):
            yield _conversation(row, Draft(CORPUS, where, an_id(CORPUS, row.get("id"), number)), None)
            continue
        dialogue = record_beside(row, where)
        if _is_unchanged(row, dialogue):
            yield ReadDialogue(where, dialogue, [])
            continue
        draft = Draft(CORPUS, where, dialogue.id)
        draft.note("conversations", "replaced", "edited after the export: the conversation is taken without the record")
        yield _conversation(row, draft, dialogue)


def _is_unchanged(row: Mapping[str, Any], dialogue: Dialogue) -> bool:
    exported_rows = (sharegpt_row(dialogue, thoughts) for thoughts in ("none", "inline"))
    return any(all(row.get(key) == exported[key] for key in ("conversations", "system")) for exported in exported_rows)


def _conversation(row: Mapping[str, Any], draft: Draft, record: Dialogue | None) -> ReadDialogue:
    facts: dict[str, Fact] = {}
    if system := optional_text(row, "system", draft.where):
        facts["system"] = system
        draft.note("system", "relabelled", "a system text became the fact 'system'")
    for position, item in enumerate(a_list(row.get("conversations"), draft.where, "key 'conversations'"), 1):
        turn = an_object(item, draft.where, f"turn {position}")
        if turn.get("from") == "system":
            system_texts = (facts.get("system"), optional_text(turn, "value", draft.where))
            facts["system"] = "\n".join(str(text) for text in system_texts if text)
            draft.note(f"turn {position}", "relabelled", "a system turn became the fact 'system'")
            continue
        draft.say(
            speaker_role(turn.get("from"), ROLES, draft.where, f"turn {position}"),
            turn.get("value"),
            f"turn {position}",
        )
    read = draft.read(facts=facts, profile=record.profile if record else None)
    if record is None or read.dialogue is None:
        return read
    origin = {"supporter": record.supporter, "source": record.source, "licence": record.licence}
    return ReadDialogue(read.where, read.dialogue.model_copy(update=origin), read.notes)
