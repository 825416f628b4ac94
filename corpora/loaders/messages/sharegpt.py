"""Read ShareGPT files (`{"conversations": [{"from", "value"}]}`), restoring those that we exported.

An exported row joins neighbouring turns and leaves out what LLaMA-Factory cannot read. The column `cocoon` holds the
complete record. If the conversation was edited later, the conversation counts and the change is reported.
"""

from collections.abc import Iterator
from pathlib import Path

from cocoon.core.records import Dialogue, Role
from cocoon.corpora.export.rows import COLUMN, sharegpt_row
from cocoon.corpora.loaders.messages.messages import record_beside
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue, drafts
from cocoon.corpora.reading.foreign_record import ForeignRecord

CORPUS = Corpus("sharegpt", "ShareGPT turns (LLaMA-Factory's form)", "ShareGPT file", "not stated", "none")
ROLES: dict[str, Role] = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "model", "supporter"), "supporter"),
}


def load_sharegpt(path: Path) -> Iterator[ReadDialogue]:
    """Yield every row.

    Raises CocoonError naming the file, the record and the turn that cannot be read.
    """
    for row, draft in drafts(path, CORPUS):
        if not isinstance(row.get(COLUMN), str):
            yield _conversation(row, draft, None)
            continue
        dialogue = record_beside(row)
        if _is_unchanged(row, dialogue):
            yield ReadDialogue(row.where, dialogue, [])
            continue
        draft.id = dialogue.id
        draft.note("conversations", "replaced", "edited after the export: the conversation is taken without the record")
        yield _conversation(row, draft, dialogue)


def _is_unchanged(row: ForeignRecord, dialogue: Dialogue) -> bool:
    exported_rows = (sharegpt_row(dialogue, thoughts) for thoughts in ("none", "inline"))
    return any(all(row.get(key) == exported[key] for key in ("conversations", "system")) for exported in exported_rows)


def _conversation(row: ForeignRecord, draft: Draft, record: Dialogue | None) -> ReadDialogue:
    if system := row.text("system"):
        draft.facts["system"] = system
        draft.note("system", "relabelled", "a system text became the fact 'system'")
    draft.say_all(row.objects("conversations"), "from", "value", ROLES)
    read = draft.read(profile=record.profile if record else None)
    if record is None or read.dialogue is None:
        return read
    origin = {"supporter": record.supporter, "source": record.source, "licence": record.licence}
    return ReadDialogue(read.where, read.dialogue.model_copy(update=origin), read.notes)
